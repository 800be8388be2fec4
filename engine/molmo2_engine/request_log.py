"""One line in the engine's log for each request, by the id that the caller and the handler know.

No prompt and no path is in it.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from molmo2_engine.wire import engine_pb2 as wire

logger = logging.getLogger(__name__)


@dataclass
class Line:
    """What is to be said of a request when it ends."""

    outcome: str = "ok"
    failed: int = 0
    """Operations that failed alone."""


@contextmanager
def logged(request: wire.AnswerRequest) -> Iterator[Line]:
    """Writes the line when the block ends, however it does."""
    line, began = Line(), time.monotonic()
    try:
        yield line
    finally:
        told = {
            "request_id": request.request_id,
            "outcome": line.outcome,
            "seconds": round(time.monotonic() - began, 3),
            "operations": len(request.operations),
            "failed": line.failed,
        }
        logger.info("%s", json.dumps(told))
