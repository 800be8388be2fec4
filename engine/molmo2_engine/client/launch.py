"""Finds the engine of a GPU, or starts it: one process, however many workers want it.

The engine holds a lock for as long as it lives (``engine_lock.py``); a worker that starts one
holds another (``<socket>.launch``) meanwhile. So a worker killed in the middle of a launch leaves
an engine that the next worker finds, and there are never two on one socket. An engine that no
longer beats is killed first.
"""

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from molmo2_contract.errors import EngineUnavailable
from molmo2_contract.run_directory import ENGINE_REFUSALS
from molmo2_engine.client.channel import CHANNEL_OPTIONS
from molmo2_engine.client.engine_lock import EngineLock
from molmo2_engine.client.silence import Silence

_PACKAGES = Path(__file__).resolve().parents[2]

_LONGEST_WORDS = 4096
"""Bytes of a log's last line that are looked at."""

_started: "list[subprocess.Popen[bytes]]" = []
"""Engines started by this process; polled so that an ended one does not stay as a zombie."""


@dataclass(frozen=True)
class EngineLaunch:
    """How to reach an engine, and how to start it."""

    socket: Path
    settings: Mapping[str, str | int | float] = field(default_factory=dict)
    """Settings of the engine by name, e.g. ``{"checkpoint": "/weights"}``."""
    module: str = "molmo2_engine"
    """What is run; another one may speak the same wire."""
    python: str = sys.executable
    """The Python that runs it."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to this process's own, e.g. CUDA_VISIBLE_DEVICES."""
    siblings: str = ""
    """Pattern of the names of sockets where engines of the same model serve other GPUs."""
    start_timeout: float = 600.0
    """Seconds until the engine must have loaded its model."""

    def connect(self, timeout: float | None = None) -> grpc.Channel:
        """A channel to an engine that serves, after at most ``timeout`` or ``start_timeout`` s.

        Raises:
            EngineUnavailable: if the engine ends while starting, or is not ready in time.
        """
        timeout = self.start_timeout if timeout is None else min(timeout, self.start_timeout)
        deadline = time.monotonic() + timeout
        channel = grpc.insecure_channel(f"unix:{self.socket}", options=CHANNEL_OPTIONS)
        try:
            while not serves(channel):
                with _lock(self.socket.with_name(f"{self.socket.name}.launch")) as mine:
                    if mine and not serves(channel):
                        self._start(channel, deadline)
                if time.monotonic() > deadline:
                    raise EngineUnavailable(
                        f"the engine was not ready after {timeout:.0f} s", retry_after=5
                    )
                time.sleep(0.1)
        except EngineUnavailable:
            channel.close()
            raise
        return channel

    @property
    def log(self) -> Path:
        """Where an engine started here writes."""
        return self.socket.with_suffix(".log")

    def _start(self, channel: grpc.Channel, deadline: float) -> None:
        """Waits for the engine, starting one as soon as no process holds its lock.

        A killed engine holds it until the kernel has taken the process apart.
        """
        process = None
        lock = EngineLock(self.socket)
        silence = Silence(lock)
        while time.monotonic() < deadline and not serves(channel):
            if process is None:
                process = self._spawn() if lock.is_free else None
                if hung := silence.look():
                    lock.kill(hung)
            elif process.poll() is not None:
                raise EngineUnavailable(
                    f"the engine ended with status {process.returncode} while starting"
                    f"{self._last_words()}; see {self.log} on the server"
                )
            time.sleep(0.1)

    def _last_words(self) -> str:
        """What an engine said that could not start for a reason that it knows."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _LONGEST_WORDS))
            said = log.read().decode(errors="replace").splitlines()[-1:]
        return f": {said[0]}" if said and said[0].startswith(ENGINE_REFUSALS) else ""

    def _spawn(self) -> "subprocess.Popen[bytes]":
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        environment = {
            **os.environ,
            "PYTHONPATH": str(_PACKAGES),
            "PYTHONUNBUFFERED": "1",
            **self.environment,
        }
        environment.pop("PROMETHEUS_MULTIPROC_DIR", None)  # where request workers count
        _started[:] = [process for process in _started if process.poll() is None]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [self.python, "-P", "-m", self.module, f"--socket={self.socket}", *flags],
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        _started.append(process)
        return process


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Whether the lock was free; if so it is held inside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def serves(channel: grpc.Channel) -> bool:
    """Whether an engine answers on the channel, and is healthy."""
    try:
        answer = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(), timeout=2.0
        )
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
