"""What may still be spent on one video: time, CPU time, and decoded frames."""

import time

from molmo2_contract.errors import DeadlineExceeded, VideoTooLong
from molmo2_handler.video.limits import VideoLimits


class Budget:
    """Counts from its making on; ``check`` is called wherever much may be spent."""

    def __init__(self, name: str, limits: VideoLimits, deadline: float | None = None) -> None:
        """``name`` is what messages call the video; ``deadline`` a value of ``time.monotonic``."""
        self._name = name
        self._limits = limits
        self._deadline = deadline
        self._began = time.process_time()
        self._frames = 0

    def check(self) -> None:
        """Raises where there is nothing left.

        Raises:
            DeadlineExceeded: the deadline passed.
            VideoTooLong: more than ``limits.max_decode_cpu_seconds`` of this process's CPU time.
        """
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise DeadlineExceeded(
                "the request's timeout passed while its video was read and decoded; raise timeout, "
                "or ask for a shorter part of the video",
                field="timeout",
            )
        if time.process_time() - self._began > self._limits.max_decode_cpu_seconds:
            raise VideoTooLong(
                f"{self._name} takes more than {self._limits.max_decode_cpu_seconds:g} s of CPU "
                "time to decode, the most that this server spends on a video (setting "
                "max_decode_cpu_seconds): cut it into parts, or scale it down",
                field="video",
            )

    def check_frames(self, frames: int) -> None:
        """Raises VideoTooLong if decoding ``frames`` more is beyond ``max_decoded_frames``."""
        if self._frames + frames > self._limits.max_decoded_frames:
            raise VideoTooLong(
                f"of {self._name} more than {self._limits.max_decoded_frames} frames would have to "
                "be decoded, the most that this server does (setting max_decoded_frames): ask for "
                "a shorter part, or cut it into parts",
                field="video",
            )

    def spend_frames(self, frames: int) -> None:
        """Takes note of decoded frames. Raises as ``check_frames`` does."""
        self.check_frames(frames)
        self._frames += frames
