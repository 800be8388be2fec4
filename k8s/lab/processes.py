"""Processes of a lab, each with a log of its own, all ended with it, even if it is killed."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

SECONDS_TO_END = 10.0


class NotStarted(Exception):
    """A process ended, or did not answer in time; says what its log ends with."""


@contextmanager
def process(
    command: Sequence[str | Path],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Runs as long as the block does; then it and what it started are ended."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            ended_with_us(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        yield started
    finally:
        end(started)


def ended_with_us(command: Sequence[str | Path]) -> list[str | Path]:
    """The command, sent SIGTERM by the kernel when the thread that starts it has ended."""
    return ["setpriv", "--pdeathsig=TERM", "--", *command]


def end(started: "subprocess.Popen[bytes]") -> None:
    """Asks, then does not ask."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if started.poll() is None:
            os.killpg(started.pid, number)
            try:
                started.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                continue


def wait_for(
    ready: Callable[[], bool], started: "subprocess.Popen[bytes]", log: Path, seconds: float
) -> None:
    """Raises:
    NotStarted: after ``seconds``, or when the process has ended.
    """
    until = time.monotonic() + seconds
    while not ready():
        if started.poll() is not None or time.monotonic() > until:
            lines = log.read_text(errors="replace").splitlines()
            raise NotStarted("\n".join([f"{log.stem} does not run:", *lines[-15:]]))
        time.sleep(0.2)


def free_port(address: str = "127.0.0.1") -> int:
    with socket.create_server((address, 0)) as probe:
        return int(probe.getsockname()[1])
