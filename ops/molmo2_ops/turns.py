"""Work that is done again and again, and goes on after a failure."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter

from molmo2_ops.torchserve_process import NotWatchable

logger = logging.getLogger(__name__)


class Turns:
    """When each task last ended a turn well. What fails is logged, counted and tried again."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._last: dict[str, float] = {}
        self._failures = Counter(
            "molmo2_watch_failures",
            "Turns of the watching process itself that failed.",
            ["task"],
            registry=registry,
        )

    @contextmanager
    def turn(self, task: str) -> Iterator[None]:
        """One turn; an exception in it ends here, unless nothing can be watched at all."""
        self._begin(task)
        try:
            yield
        except NotWatchable:
            raise
        except Exception:
            logger.exception("%s failed", task)
            self._failures.labels(task).inc()
        else:
            self.ended(task)

    def ended(self, task: str) -> None:
        """A turn, or a part of one, has ended well."""
        self._last[task] = time.monotonic()

    def over(self, task: str) -> None:
        """There will be no more turns, and nobody is to wait for any."""
        self._last.pop(task, None)

    def keep(
        self, task: str, work: Callable[[], None], seconds: float, over: threading.Event
    ) -> None:
        """Does ``work`` in a thread of its own, every ``seconds``, until ``over`` is set."""

        def turns() -> None:
            while not over.wait(seconds):
                with self.turn(task):
                    work()
            self.over(task)

        self._begin(task)
        threading.Thread(target=turns, name=task, daemon=True).start()

    def overdue(self, seconds: float) -> str | None:
        """Which task has not ended a turn well for ``seconds``, if one has not."""
        now = time.monotonic()
        for task, last in list(self._last.items()):
            if now - last > seconds:
                return f"the server was not watched: no turn of {task} for {now - last:.0f} s"
        return None

    def _begin(self, task: str) -> None:
        self._last.setdefault(task, time.monotonic())
        self._failures.labels(task)  # a series that is there from the start tells of no failures
