"""When a request came, when it must be answered, and what its parts have taken."""

import time

from molmo2_contract.errors import DeadlineExceeded
from molmo2_contract.response import RequestTiming


class RequestClock:
    """Started when the request is read; ``deadline`` is a value of ``time.monotonic``."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._began = time.monotonic()
        self.deadline = self._began + timeout
        self._plan = 0.0
        self._decode = 0.0

    def planned(self) -> None:
        """The video is open and its frames are chosen."""
        self._plan = time.monotonic() - self._began

    def decoded(self, seconds: float) -> None:
        self._decode = seconds

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            DeadlineExceeded: if there are none.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(
                f"the video was not ready after {self._timeout:g} s; raise timeout",
                field="timeout",
            )
        return left

    def timing(self) -> RequestTiming:
        total = time.monotonic() - self._began
        return RequestTiming(
            plan=self._plan,
            decode=self._decode,
            engine=max(total - self._plan - self._decode, 0),
            total=total,
        )
