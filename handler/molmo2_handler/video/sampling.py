"""Which frames of a video the model sees, and the times it is told for them.

The rule is ``uniform_last_frame`` of Molmo2's reference code (PyPI ``molmo_utils`` 0.0.1): up to
``max_fps`` frames a second from the first on, or ``max_frames`` evenly spread where that would be
more, and always the last one. The checkpoints were trained with it, so it is kept to the bit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Timeline:
    """When each frame is displayed, in seconds since the stream's start, in order of its start.

    The seconds are float32, rounded as the reference's reader (``decord2``) rounds them: it decides
    which frame is meant where a sampled time falls on the border of two.
    """

    starts: NDArray[np.float32]
    ends: NDArray[np.float32]

    @classmethod
    def of(
        cls, pts: ArrayLike, durations: ArrayLike, start_time: int, seconds_per_tick: float
    ) -> "Timeline":
        """From the packets' ``pts`` (ascending) and ``durations``, all in ticks of the stream."""
        first = np.asarray(pts, np.int64)
        beyond = first + np.asarray(durations, np.int64)
        return cls(
            _seconds(first, start_time, seconds_per_tick),
            _seconds(beyond, start_time, seconds_per_tick),
        )

    @property
    def duration(self) -> np.float32:
        """Seconds from the start of the first frame to the end of the last."""
        return np.float32(self.ends[-1] - self.starts[0])


@dataclass(frozen=True, eq=False)
class Sample:
    """``times``: seconds of the whole video, ascending. ``indices``: the 0-based frame of each."""

    times: NDArray[np.float64]
    indices: NDArray[np.intp]


def sample(
    timeline: Timeline, start: float, end: float | None, max_frames: int, max_fps: float
) -> Sample:
    """Samples the part of a video from ``start`` to ``end`` (None: the end of the video).

    The first time is ``start``, the last is ``end`` or the video's duration, whichever is less.
    ``start`` must be less than the duration, except where both are 0.
    """
    duration = timeline.duration
    last = end if end is not None and end < duration else duration
    times = sample_times(last - start, max_frames, max_fps) + start
    # A frame is on display until its end; one that starts late is shown from the previous end on.
    indices = np.searchsorted(timeline.ends, times + timeline.starts[0], side="right")
    times[-1] = last
    return Sample(times, np.minimum(indices, len(timeline.ends) - 1))


def sample_times(
    duration: float | np.float32, max_frames: int, max_fps: float
) -> NDArray[np.float64]:
    """At most ``max_frames`` times from 0 to ``duration`` seconds, both included.

    They are as precise as ``duration``: numpy spaces them in float32 where it is one.
    """
    if (max_frames - 1) / max_fps < duration:
        return np.linspace(0, duration, num=max_frames, endpoint=True, dtype=np.float64)
    times = np.arange(0.0, stop=duration, step=1 / max_fps, dtype=np.float64)
    return np.concatenate([times[: max_frames - 1], [duration]])


def _seconds(
    ticks: NDArray[np.int64], start_time: int, seconds_per_tick: float
) -> NDArray[np.float32]:
    since_start = ticks.astype(np.float32) - np.float32(start_time)
    return (since_start.astype(np.float64) * seconds_per_tick).astype(np.float32)
