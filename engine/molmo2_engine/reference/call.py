"""A request that is being answered, and who waits for it."""

import threading
import time
from dataclasses import dataclass, field
from queue import SimpleQueue

from molmo2_contract.errors import Molmo2Error
from molmo2_engine.wire import engine_pb2 as wire


@dataclass(eq=False)
class Call:
    """Events go to whoever asked; None is the last."""

    request: wire.AnswerRequest
    events: "SimpleQueue[wire.AnswerEvent | None]" = field(default_factory=SimpleQueue)
    cancelled: threading.Event = field(default_factory=threading.Event)
    asked: float = field(default_factory=time.monotonic)

    def put(
        self,
        index: int = 0,
        *,
        opened: wire.Opened | None = None,
        progress: wire.Progress | None = None,
        finished: wire.Finished | None = None,
        embedded: wire.Embedded | None = None,
        failed: wire.Failed | None = None,
    ) -> None:
        """Tells one event, of the operation ``index``."""
        told = wire.AnswerEvent(
            index=index,
            opened=opened,
            progress=progress,
            finished=finished,
            embedded=embedded,
            failed=failed,
        )
        self.events.put(told)

    def fail(self, index: int, error: Molmo2Error) -> None:
        self.put(
            index, failed=wire.Failed(kind=error.kind, message=error.message, field=error.field)
        )
