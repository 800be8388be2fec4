"""Keeps a second engine off a GPU, whichever server, model or run directory it belongs to.

A file named after the GPU, locked for as long as the engine lives. Engines that are to share a GPU
hold its lock together; one that wants it alone cannot join them, nor they it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from molmo2_engine.client.engine_lock import EngineTaken

_SECONDS_TO_LEAVE = 10.0
"""How long a killed engine may keep the lock while the kernel takes its process apart."""


class GpuTaken(EngineTaken):
    """Another engine holds the GPU."""


class GpuLock:
    """The lock of the GPU with this UUID."""

    def __init__(self, uuid: str, folder: Path) -> None:
        self.uuid = uuid
        self.path = folder / f"molmo2-gpu-{uuid}.lock"

    @contextmanager
    def held(self, shared: bool, patience: float = _SECONDS_TO_LEAVE) -> Iterator[None]:
        """Holds it alone, or together with others who share it.

        Raises:
            GpuTaken: naming who holds it, if that is not over within ``patience`` seconds.
        """
        descriptor = self._open()
        try:
            until = time.monotonic() + patience
            while not _taken(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
                if time.monotonic() > until:
                    raise GpuTaken(self._refusal(descriptor))
                time.sleep(0.05)
            yield
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        """Opened for reading, which is enough to lock it: it may be another user's file."""
        while True:
            try:
                return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                try:
                    created = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC)
                except FileExistsError:
                    continue
                os.fchmod(created, 0o644)
                return created

    def _refusal(self, descriptor: int) -> str:
        held = " and ".join(_holders(os.fstat(descriptor).st_ino)) or "another engine"
        return (
            f"GPU {self.uuid} is held by {held}. Give each model GPUs of its own (deviceIds in "
            "model-config.yaml), or set share_gpu: true in the engine section of all of them, with "
            "gpu_memory_fraction that come to at most 1 together"
        )


def _taken(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(inode: int) -> Iterator[str]:
    """The processes that hold a flock on the file; see proc(5), /proc/locks."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        match line.split():
            case [_, "FLOCK", _, _, process, place, *_] if place.endswith(f":{inode}"):
                yield _named(process)


def _named(process: str) -> str:
    """An engine by its model and socket, where this process may see it."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_text().split("\0")
    except OSError:
        command = []
    told = [each for each in command if each.startswith(("--checkpoint=", "--socket="))]
    return " ".join([f"process {process}", *told])
