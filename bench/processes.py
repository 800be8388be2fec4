"""The processes of a running server: what they hold, and the CPU that they have taken."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import psutil

from molmo2_client.serving import RunningServer

T = TypeVar("T")

_KINDS = {
    "org.pytorch.serve.ModelServer": "JVM",
    "model_service_worker.py": "workers",
    "-m molmo2_engine": "engine",
}
"""By a part of a process's command."""


@dataclass(frozen=True)
class Held:
    """Megabytes of memory (proportional set size), and open files."""

    memory: float = 0.0
    files: int = 0

    def __add__(self, other: "Held") -> "Held":
        return Held(self.memory + other.memory, self.files + other.files)


def processes(server: RunningServer) -> Iterator[tuple[psutil.Process, str]]:
    """Each with its command."""
    inside = psutil.Process(server.process.pid).children(recursive=True)
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            if process in inside or str(server.options.run) in command:
                yield process, command


def holdings(server: RunningServer) -> dict[str, Held]:
    """What the JVM, the workers and the engine hold."""
    return _by_kind(server, _held, Held())


def cpu_seconds(server: RunningServer) -> dict[str, float]:
    """What the JVM, the workers and the engine have taken, user and system."""
    return _by_kind(server, lambda process: sum(process.cpu_times()[:2]), 0.0)


def _held(process: psutil.Process) -> Held:
    return Held(process.memory_full_info().pss / 2**20, process.num_fds())


def _by_kind(
    server: RunningServer, look: Callable[[psutil.Process], T], nothing: T
) -> dict[str, T]:
    found = dict.fromkeys(_KINDS.values(), nothing)
    for process, command in processes(server):
        kind = next((kind for said, kind in _KINDS.items() if said in command), None)
        if kind is not None:
            with suppress(psutil.Error):
                found[kind] += look(process)
    return found
