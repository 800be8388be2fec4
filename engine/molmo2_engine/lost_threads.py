"""An engine that has lost a thread ends, so that another takes its place.

A thread that ends of an exception leaves a process that looks alive: without gRPC's own thread, for
one, it would beat on and hear no call. What a thread can answer for is handled where it happens.
"""

import logging
import os
import threading

logger = logging.getLogger(__name__)

EXIT_STATUS = 70
"""As sysexits.h says of an internal software error."""


def end_with_lost_threads() -> None:
    """From now on an exception that ends any thread ends this process, with ``EXIT_STATUS``."""
    threading.excepthook = _end


def _end(lost: threading.ExceptHookArgs) -> None:
    name = lost.thread.name if lost.thread else "of no name"
    error = lost.exc_value or lost.exc_type()
    logger.critical("thread %s has ended; so this engine ends", name, exc_info=error)
    os._exit(EXIT_STATUS)  # whatever the thread was to do cannot be waited for
