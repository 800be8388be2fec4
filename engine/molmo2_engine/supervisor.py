"""Replaces an engine that was lost without starting from nothing.

Nearly all of an engine's start is the import of torch and transformers. The process that was
launched has that behind it and forks the engine; when the engine is killed it forks the next one,
which has only its weights to load. It runs no threads and does not touch the device, since a fork
could then not either, and costs no memory of its own while pages are shared.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial

logger = logging.getLogger(__name__)


class Supervisor:
    """The process that engines are forked from."""

    def __init__(self, wanted: Callable[[], bool], may_fork: bool) -> None:
        """``wanted`` says whether a lost engine is to be replaced; without ``may_fork`` none is."""
        self._wanted = wanted
        self._may_fork = may_fork
        self._engine: int | None = None
        self._stopping = False

    def become_engine(self) -> Callable[[], None]:
        """Returns in each process that is to be the engine, with what it calls once it serves.

        The first process stays inside, and raises SystemExit with the last engine's status: when
        that ended by itself, never served, or is not wanted any more. SIGTERM and SIGINT are
        passed on. Where it may not fork the first process becomes the engine itself.
        """
        if not self._may_fork:
            return lambda: None
        handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        for number in handlers:
            signal.signal(number, self._pass_on)
        while True:
            reader, writer = os.pipe()
            self._engine = os.fork()
            if not self._engine:
                _restore(handlers)
                os.close(reader)
                return partial(_tell, writer)
            os.close(writer)
            status = self._wait()
            served = bool(os.read(reader, 1))
            os.close(reader)
            if not (status and served and self._wanted()) or self._stopping:
                sys.exit(status if status >= 0 else 128 - status)  # as a shell says it
            logger.warning("the engine was lost (status %d); another one takes its place", status)

    def _wait(self) -> int:
        """Its exit status; of one that was killed minus the signal."""
        assert self._engine is not None
        if self._stopping:  # since before it was there
            os.kill(self._engine, signal.SIGTERM)
        _, status = os.waitpid(self._engine, 0)
        self._engine = None
        return os.waitstatus_to_exitcode(status)

    def _pass_on(self, *_: object) -> None:
        self._stopping = True
        if self._engine:
            os.kill(self._engine, signal.SIGTERM)


def _tell(writer: int) -> None:
    with suppress(BrokenPipeError), os.fdopen(writer, "wb") as pipe:  # it may be gone
        pipe.write(b"!")


def _restore(handlers: dict[signal.Signals, object]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)  # type: ignore[arg-type]
