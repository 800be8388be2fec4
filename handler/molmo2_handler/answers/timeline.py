"""From the seconds that the model writes to the frames that it was shown."""

from bisect import bisect_left

from molmo2_contract.video import VideoInfo

_DISTANCE_DIGITS = 6
"""Decimals of a second that count when two distances are compared: 0.3 - 0.2 is not 0.1."""


class Timeline:
    """The sampled frames of one video in order of time.

    The model sees each frame's time printed to a tenth of a second and knows nothing of the frames
    between, so a time means the frame whose printed time is nearest. Neither the frame rate nor
    the duration is asked, which makes it as exact for a variable frame rate as for a constant one.

    Raises:
        ValueError: ``video.sampled`` is empty, or has not one frame number for each time.
    """

    def __init__(self, video: VideoInfo) -> None:
        self._times = video.sampled.times
        self._frames = video.sampled.frames
        if not self._times or len(self._times) != len(self._frames):
            raise ValueError(
                f"a timeline needs one frame for each time and at least one: it got "
                f"{len(self._times)} times and {len(self._frames)} frames"
            )
        self._printed = [round(time, 1) for time in self._times]

    def clamp(self, seconds: float) -> float:
        """``seconds``, held between the first and the last sampled time."""
        return min(max(seconds, self._times[0]), self._times[-1])

    def frame_at(self, seconds: float) -> int:
        """1-based number of the sampled frame nearest to ``seconds``; the earlier one of a tie."""
        after = bisect_left(self._printed, seconds)
        if after == 0:
            return self._frames[0]
        if after == len(self._printed):
            return self._frames[-1]
        to_earlier = round(seconds - self._printed[after - 1], _DISTANCE_DIGITS)
        to_later = round(self._printed[after] - seconds, _DISTANCE_DIGITS)
        return self._frames[after - 1 if to_earlier <= to_later else after]

    def place(self, seconds: float | None) -> tuple[float, int]:
        """Clamped seconds and frame number. None, a time left unsaid, is the first sampled one."""
        if seconds is None:
            return self._times[0], self._frames[0]
        return self.clamp(seconds), self.frame_at(seconds)
