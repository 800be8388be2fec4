"""Which errors are worth another attempt, and when."""

import random
from typing import TypedDict

from molmo2_client import limits
from molmo2_client.errors import EngineUnavailable, Overloaded, ServerUnreachable


class Patience(TypedDict):
    """Arguments of stamina's retrying callers."""

    attempts: int
    timeout: float
    wait_initial: float
    wait_max: float
    wait_jitter: float


def patience(retries: int, timeout: float) -> Patience:
    """``retries`` attempts after the first, the last of them begun about ``timeout`` s after it."""
    return Patience(
        attempts=retries + 1,
        timeout=timeout,
        wait_initial=limits.RETRY_WAIT,
        wait_max=limits.MAX_RETRY_WAIT,
        wait_jitter=limits.RETRY_JITTER,
    )


def worth_retrying(error: Exception) -> bool | float:
    """Whether to try again, or after how many seconds where the server said so.

    A request changes nothing on the server, so one whose answer was lost may be sent again.
    """
    if not isinstance(error, Overloaded | EngineUnavailable | ServerUnreachable):
        return False
    if error.retry_after is None:
        return True
    if error.retry_after > limits.MAX_RETRY_AFTER:
        return False
    return error.retry_after + random.uniform(0, limits.RETRY_JITTER)
