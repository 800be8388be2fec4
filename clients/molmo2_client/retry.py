"""Which errors are worth another attempt, when, and for how long."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypedDict

from molmo2_client import limits
from molmo2_client.errors import (
    EngineUnavailable,
    Overloaded,
    ServerUnreachable,
    VideoUnreadable,
    WorkerDied,
)
from molmo2_client.settings import Settings

Judge = Callable[[Exception], bool | float]
"""Says of an error whether to try again, or after how many seconds."""


class Patience(TypedDict):
    """Arguments of stamina's retrying callers."""

    attempts: int | None
    timeout: float | None
    wait_initial: float
    wait_max: float
    wait_jitter: float


def patience(settings: Settings, timeout: float) -> Patience:
    """``retries`` attempts after the first, the last of them begun about ``timeout`` s after it.

    With ``retry_for`` neither bounds them: ``judge`` does.
    """
    bounded = settings.retry_for is None
    return Patience(
        attempts=settings.retries + 1 if bounded else None,
        timeout=timeout if bounded else None,
        wait_initial=limits.RETRY_WAIT,
        wait_max=limits.MAX_RETRY_WAIT,
        wait_jitter=limits.RETRY_JITTER,
    )


def judge(settings: Settings) -> Judge:
    """What says of the errors of one call whether to try again."""
    return worth_retrying if settings.retry_for is None else _Lasting(settings.retry_for)


class _Lasting:
    """``worth_retrying`` until ``seconds`` after the first refusal: an answer may be lost late."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def __call__(self, error: Exception) -> bool | float:
        now = time.monotonic()
        if self._end is None:
            self._end = now + self._seconds
        return now < self._end and worth_retrying(error, longest_wait=self._end - now)


def worth_retrying(error: Exception, longest_wait: float = limits.MAX_RETRY_AFTER) -> bool | float:
    """Whether to try again, or after how many seconds where the server said so.

    A request changes nothing on the server, so one whose answer was lost may be sent again.
    """
    if not isinstance(error, Overloaded | EngineUnavailable | ServerUnreachable):
        return False
    if error.retry_after is None:
        return True
    if error.retry_after > longest_wait:
        return False
    return error.retry_after + random.uniform(0, limits.RETRY_JITTER)


class Deaths:
    """The workers that ended at one request: a video that ends them is not sent on and on."""

    def __init__(self) -> None:
        self._count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Around each attempt.

        Raises:
            WorkerDied: the first time.
            VideoUnreadable: from then on.
        """
        try:
            yield
        except WorkerDied:
            self._count += 1
            if self._count <= limits.WORKER_DEATHS:
                raise
            raise VideoUnreadable(
                f"{self._count} workers of the server ended at this request, one after the other:"
                " what it asks about is to be suspected (the server's log says more)"
            ) from None
