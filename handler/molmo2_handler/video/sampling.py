"""Which frames of a video the model sees, and the times it is told for them.

The rule is ``uniform_last_frame`` of Molmo2's reference code (PyPI ``molmo_utils`` 0.0.1): up to
``max_fps`` frames a second from the first on, or ``max_frames`` evenly spread where that would be
more, and always the last one. The checkpoints were trained with it, so it is kept to the bit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Sample:
    """``times``: seconds of the whole video, ascending. ``indices``: the 0-based frame of each."""

    times: NDArray[np.float64]
    indices: NDArray[np.intp]


def frame_ends(
    pts: ArrayLike, durations: ArrayLike, seconds_per_tick: float
) -> NDArray[np.float32]:
    """When the display of each frame ends, in seconds since the start of the first.

    They are float32, rounded as the reference's reader (``decord2``) rounds them: it decides which
    frame is meant where a sampled time falls on the border of two. The last is the duration.

    Args:
        pts: presentation times, ascending, in ticks.
        durations: the packets' durations, in ticks. In some containers a frame's end by these is
            not the start of the next one; the reference goes by the end.
    """
    starts = np.asarray(pts, np.int64)
    ends = starts + np.asarray(durations, np.int64)
    ticks = ends.astype(np.float32) - np.float32(starts[0])
    return (ticks.astype(np.float64) * seconds_per_tick).astype(np.float32)


def sample(
    ends: NDArray[np.float32], start: float, end: float | None, max_frames: int, max_fps: float
) -> Sample:
    """Samples the part of a video from ``start`` to ``end`` (None: the end of the video).

    The first time is ``start``, the last is ``end`` or the video's duration, whichever is less.

    Args:
        ends: see ``frame_ends``.
        start: seconds; less than the duration, except where both are 0.
    """
    duration = np.float32(ends[-1])
    last = end if end is not None and end < duration else duration
    times = sample_times(last - start, max_frames, max_fps) + start
    indices = np.searchsorted(ends, times, side="right")
    times[-1] = last
    return Sample(times, np.minimum(indices, len(ends) - 1))


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
