"""One line in the engine's log for each request, by the id that the caller and the handler know.

No prompt and no path is in it.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from molmo2_contract.errors import ErrorKind
from molmo2_engine.wire import engine_pb2 as wire

logger = logging.getLogger(__name__)

OK = "ok"
CANCELLED = "cancelled"


@dataclass
class Line:
    """What is to be said of a request when it ends."""

    operations: int
    outcome: str = OK
    """``ok`` if any operation was answered; else the kind of the last error."""
    failed: int = 0
    """Operations that failed alone."""

    def fail(self, kind: ErrorKind) -> None:
        """One more operation has failed alone."""
        self.failed += 1
        if self.failed == self.operations:
            self.outcome = kind.value


@contextmanager
def logged(request: wire.AnswerRequest) -> Iterator[Line]:
    """Writes the line when the block ends, however it does."""
    line, began = Line(len(request.operations)), time.monotonic()
    try:
        yield line
    except GeneratorExit:
        line.outcome = CANCELLED
        raise
    except BaseException:
        if line.outcome == OK:  # nobody has said what this is
            line.outcome = ErrorKind.INTERNAL.value
        raise
    finally:
        told = {
            "request_id": request.request_id,
            "outcome": line.outcome,
            "seconds": round(time.monotonic() - began, 3),
            "operations": line.operations,
            "failed": line.failed,
        }
        logger.info("%s", json.dumps(told))
