"""Locks on files that may be renamed or removed by whoever holds them; they end with a process."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_POLL_SECONDS = 0.02


@contextmanager
def exclusive(path: Path, deadline: float | None = None) -> Iterator[BinaryIO]:
    """The file at ``path``, made if need be and locked; what is left at ``path`` is then removed.

    Args:
        deadline: a value of ``time.monotonic`` until which to wait, or None.

    Raises:
        TimeoutError: the deadline passed.
    """
    while True:
        with _opened(path) as file:
            _wait(file, fcntl.LOCK_EX, deadline)
            if not _is_at(file, path):
                continue  # the holder before renamed or removed what was opened here
            try:
                yield file
            finally:
                if _is_at(file, path):
                    path.unlink()
            return


def is_held(path: Path) -> bool:
    """Whether a process holds the lock; a file that is not there counts as held by nobody."""
    try:
        with path.open("rb") as file:
            return not _lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def shared(path: Path) -> int:
    """A descriptor of the file at ``path``, made if need be, with a lock that any number may hold.

    The lock lasts until the descriptor is closed, by whatever end the process finds.

    Raises:
        FileNotFoundError: its folder is not there, or was removed meanwhile.
    """
    file = _opened(path)
    fcntl.flock(file, fcntl.LOCK_SH)
    if not _is_at(file, path):
        file.close()
        raise FileNotFoundError(f"{path} was removed")
    descriptor = os.dup(file.fileno())
    file.close()
    return descriptor


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b")


def _wait(file: BinaryIO, kind: int, deadline: float | None) -> None:
    while not _lock(file, kind):
        if deadline is not None and time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(_POLL_SECONDS)


def _lock(file: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
