"""A TorchServe with the demo's archive, for as long as a block runs."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from molmo2_client import Molmo2, Molmo2Error

START_SECONDS = 300.0
"""How long TorchServe and the engine may take until the model answers."""

STOP_SECONDS = 60.0
"""How long they may take to end."""

_POLL_SECONDS = 0.5
_LOG_LINES = 20


class ServerError(RuntimeError):
    """The server ended, or did not answer in time; the message has the end of its log."""


@dataclass(frozen=True)
class Server:
    """Where a server answers, and the file with the key to it."""

    http: str
    grpc: str
    key_file: Path


@contextmanager
def running_server(archive: Path, run_folder: Path, readable: Path) -> Iterator[Server]:
    """Runs ``molmo2 serve`` on free ports of the loopback interface until the block ends.

    Args:
        archive: the ``.mar`` file, in its model store.
        run_folder: where the server keeps its files and ``server.log``; made where missing.
        readable: the folder whose videos it may open.

    Raises:
        ServerError: it ended, or did not answer in time.
    """
    run_folder.mkdir(parents=True, exist_ok=True)
    http_port, grpc_port = _free_ports(2)
    server = Server(
        http=f"http://127.0.0.1:{http_port}",
        grpc=f"grpc://127.0.0.1:{grpc_port}",
        key_file=run_folder / "key_file.json",
    )
    command = [
        *(str(Path(sys.executable).with_name("molmo2")), "serve"),
        *("--model-store", str(archive.parent), "--archive", archive.name),
        *("--run-dir", str(run_folder), "--allow-root", str(readable)),
        *("--http-port", str(http_port), "--grpc-port", str(grpc_port)),
    ]
    log = run_folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is ours; we stop the server
        )
    try:
        _wait_until_it_answers(process, server, archive.stem, log)
        yield server
    finally:
        _stop(process)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _wait_until_it_answers(
    process: subprocess.Popen[bytes], server: Server, model: str, log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with Molmo2(url=server.http, model=model, key_file=server.key_file, retries=0) as ask:
                ask.info(timeout=5.0)
        except Molmo2Error:
            time.sleep(_POLL_SECONDS)
        else:
            return
    what = "did not answer" if process.poll() is None else "ended"
    last_lines = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
    raise ServerError(f"the server {what}; the end of {log}:\n{last_lines}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
