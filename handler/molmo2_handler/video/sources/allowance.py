"""What a request may spend on fetching its video: time, and bytes over everything it fetches."""

import time

from molmo2_contract.errors import DeadlineExceeded, TooLarge
from molmo2_handler.video.limits import VideoLimits


def _with_overhead(size: int) -> int:
    """Headers, redirects and abandoned transfers take more than the video itself."""
    return size + size // 8 + 2**20


class Allowance:
    """Counts down; asked before and after everything that waits for a network."""

    def __init__(self, limits: VideoLimits, deadline: float | None) -> None:
        """``deadline`` is a value of ``time.monotonic``; None: as long as it takes."""
        self._max_bytes = limits.max_video_bytes
        self._deadline = deadline
        self._left = _with_overhead(limits.max_video_bytes)

    def remaining(self) -> float | None:
        """Seconds left, more than 0. Raises DeadlineExceeded if there are none."""
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self.exceeded()
        return left

    def exceeded(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            "the request's timeout passed while its video was fetched; give it more time, or send "
            "the video's bytes",
            field="timeout",
        )

    def check_size(self, size: int, name: str) -> None:
        """Raises TooLarge where a video of ``size`` bytes is more than this server takes."""
        if size > self._max_bytes:
            raise TooLarge(
                f"{name} has {size} bytes; this server takes up to {self._max_bytes} (setting "
                "max_video_bytes): compress it or cut it into parts",
                field="video",
            )

    def spend(self, received: int) -> None:
        """Counts bytes that came in. Raises TooLarge where they are too many."""
        self._left -= received
        if self._left < 0:
            raise TooLarge(
                f"fetching a video may take {_with_overhead(self._max_bytes)} bytes, for one of "
                f"up to {self._max_bytes} (setting max_video_bytes); this one took more",
                field="video",
            )
