"""The file by which an engine is known to live: ``<socket>.engine``.

An engine locks it before it loads anything, so that there is never a second one, and the kernel
lets go of it when the process ends, however that comes. It also holds the process id and how long
the engine may be silent, as JSON; its modification time is the heartbeat.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from molmo2_engine.client.silence import Holder

SUFFIX = ".engine"

_SECONDS_OF_ONLOOKERS = 0.5
"""Whoever looks whether the lock is free holds it for a moment; an engine keeps it."""


class EngineTaken(Exception):
    """Another process holds the lock."""


class EngineLock:
    """The lock of the engine on one socket."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.path = socket.with_name(f"{socket.name}{SUFFIX}")

    @property
    def name(self) -> str:
        """The device, e.g. ``cpu`` or ``gpu0``, and eight digits of the settings' digest."""
        return self.socket.stem.removeprefix("engine-")

    @classmethod
    def all_in(cls, folder: Path) -> "list[EngineLock]":
        """The locks of every engine that was ever started in a run directory."""
        return [cls(path.with_suffix("")) for path in sorted(folder.glob(f"*{SUFFIX}"))]

    @contextmanager
    def held(self, patience: float) -> Iterator[None]:
        """Holds the lock, as the engine that may be silent for ``patience`` seconds.

        Raises:
            EngineTaken: if there is an engine already.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            until = time.monotonic() + _SECONDS_OF_ONLOOKERS
            while not _taken(file):
                if time.monotonic() > until:
                    raise EngineTaken(f"another engine serves {self.socket}")
                time.sleep(0.01)
            self.beat(patience)
            yield

    def beat(self, patience: float | None = None) -> None:
        """Says that the engine lives, and with ``patience`` how long it may say nothing."""
        if patience is not None:
            self.path.write_text(json.dumps({"process": os.getpid(), "patience": patience}))
        os.utime(self.path)

    @property
    def is_free(self) -> bool:
        """Whether no process holds it; one that was killed does until the kernel is done."""
        try:
            with self.path.open("a") as file:
                return _taken(file)
        except FileNotFoundError:  # there is not even a run directory yet
            return True

    def holder(self) -> Holder | None:
        """Who holds it; None when it is free, or held by a process that has yet to say so."""
        try:
            if self.is_free:
                return None
            return Holder(**json.loads(self.path.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None

    def kill(self, holder: Holder) -> bool:
        """Ends a process that no longer beats; False if it is not the engine of this socket."""
        try:
            command = Path(f"/proc/{holder.process}/cmdline").read_bytes()
            if f"--socket={self.socket}".encode() not in command.split(b"\0"):
                return False
            os.kill(holder.process, signal.SIGKILL)
        except OSError:
            return False
        return True


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
