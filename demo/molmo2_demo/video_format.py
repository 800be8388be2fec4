"""Sizes and frame rates of rendered videos."""

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class VideoFormat:
    """Size in pixels, and frames a second."""

    width: int
    height: int
    frame_rate: Fraction
    variable: bool = False
    """Whether only every third frame is there in every other second."""

    def __str__(self) -> str:
        rate = "variable" if self.variable else f"{float(self.frame_rate):.4g} fps"
        return f"{self.width}×{self.height}, {rate}"

    def frame_times(self, duration: float) -> list[Fraction]:
        """When each frame begins, in seconds, and as one more entry when the last one ends.

        That is ``duration``, or up to a frame earlier where it is no whole number of frames.
        """
        count = math.floor(Fraction(duration) * self.frame_rate)
        times = [number / self.frame_rate for number in range(count)]
        if self.variable:
            times = [t for number, t in enumerate(times) if int(t) % 2 == 0 or number % 3 == 0]
        return [*times, count / self.frame_rate]


FORMATS = (
    VideoFormat(640, 360, Fraction(30)),
    VideoFormat(480, 360, Fraction(25)),
    VideoFormat(360, 360, Fraction(24)),
    VideoFormat(288, 512, Fraction(10)),
    VideoFormat(640, 360, Fraction(30_000, 1001)),
    VideoFormat(480, 360, Fraction(30), variable=True),
    VideoFormat(360, 640, Fraction(25)),
    VideoFormat(320, 240, Fraction(60)),
)
"""Wide, 4:3, square and portrait, at the rates that cameras and screen recorders use."""
