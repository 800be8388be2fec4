"""Stops one thread of another process, as a driver that never returns does."""

import contextlib
import ctypes
import os
from collections.abc import Iterator

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000


@contextlib.contextmanager
def stopped_thread(thread: int) -> Iterator[None]:
    """``thread`` is a thread's id; that of a process is its first thread's. See ptrace(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    for command in (_SEIZE, _INTERRUPT):
        if libc.ptrace(command, thread, None, None):
            raise OSError(ctypes.get_errno(), "ptrace")
    try:
        yield
    finally:
        if libc.ptrace(_DETACH, thread, None, None):
            # It was killed, and its parent hears of that after us.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(thread, _WALL)
