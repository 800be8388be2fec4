"""When to stop asking a server that would not answer the rest either."""

from molmo2_contract.errors import ErrorKind, Molmo2Error

MIN_UNAVAILABLE_CALLS = 3
"""Calls in a row to a server that is away, at least, before the rest are not tried."""


class CircuitBreaker:
    """Ends a run whose remaining calls would fail like those before.

    A token that is refused once is refused for every video, and a server that is away for as
    many calls as run at once, after their retries, is away for the others too.
    """

    def __init__(self, concurrency: int) -> None:
        self._bound = max(concurrency, MIN_UNAVAILABLE_CALLS)
        self._unavailable = 0

    def note(self, error: BaseException | None) -> None:
        """Takes note of how a call ended; raises its ``error`` when the run should end."""
        if error is not None and not isinstance(error, Exception):
            raise error
        kind = error.kind if isinstance(error, Molmo2Error) else None
        self._unavailable = self._unavailable + 1 if kind is ErrorKind.ENGINE_UNAVAILABLE else 0
        if error and (kind is ErrorKind.UNAUTHORIZED or self._unavailable >= self._bound):
            raise error
