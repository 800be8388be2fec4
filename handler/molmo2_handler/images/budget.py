"""What may still be spent on the images of one request."""

import time

from molmo2_contract.errors import DeadlineExceeded, TooLarge
from molmo2_handler.video import VideoLimits


class ImageBudget:
    """Counts bytes, pixels and CPU time over all images of a request, from its making on.

    ``deadline`` is a value of ``time.monotonic``.
    """

    def __init__(self, limits: VideoLimits, deadline: float) -> None:
        self.limits = limits
        self.deadline = deadline
        self._began = time.process_time()
        self._bytes = 0
        self._pixels = 0

    def spend_bytes(self, size: int, field: str) -> None:
        """Takes note of one image's bytes.

        Raises:
            TooLarge: with those before it more than ``limits.max_images_bytes``.
        """
        self._bytes += size
        if self._bytes > self.limits.max_images_bytes:
            raise _too_much(
                f"{self._bytes} bytes", f"{self.limits.max_images_bytes}", "max_images_bytes", field
            )

    def spend_pixels(self, width: int, height: int, name: str, field: str) -> None:
        """Takes note of one image's size, before it is decoded.

        Raises:
            TooLarge: it has more than ``limits.max_pixels``, or with those before it more than
                ``limits.max_images_pixels``.
        """
        if width * height > self.limits.max_pixels:
            raise TooLarge(
                f"{name} has {width} x {height} pixels; this server takes up to "
                f"{self.limits.max_pixels} (setting max_pixels): make it smaller",
                field=field,
            )
        self._pixels += width * height
        bound = self.limits.max_images_pixels
        if self._pixels > bound:
            raise _too_much(f"{self._pixels} pixels", f"{bound}", "max_images_pixels", field)

    def check(self, field: str) -> None:
        """Raises where no time is left; called wherever much may be spent.

        Raises:
            DeadlineExceeded: the deadline passed.
            TooLarge: more than ``limits.max_decode_cpu_seconds`` of this process's CPU time.
        """
        if time.monotonic() > self.deadline:
            raise DeadlineExceeded(
                "the request's timeout passed while its images were read and decoded; raise "
                "timeout, or ask about fewer images",
                field="timeout",
            )
        bound = self.limits.max_decode_cpu_seconds
        if time.process_time() - self._began > bound:
            raise _too_much("more CPU time to decode", f"{bound:g} s", _CPU, field)


_CPU = "max_decode_cpu_seconds"


def _too_much(what: str, bound: str, setting: str, field: str) -> TooLarge:
    return TooLarge(
        f"{field} and the images before it take {what}; this server spends up to {bound} on the "
        f"images of a request (setting {setting}): make them smaller, or ask about fewer",
        field=field,
    )
