"""Which frames of a video are to be decoded, and how."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molmo2_contract.errors import InvalidRequest, VideoTooLong
from molmo2_contract.video import Sampled, Video, VideoInfo
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.container import check_length, unreadable
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.rgb import clockwise_rotation
from molmo2_handler.video.sampling import Sample, frame_ends, sample
from molmo2_handler.video.scan import Scan, scan
from molmo2_handler.video.schedule import Feed, schedule
from molmo2_handler.video.source import Source


@dataclass(frozen=True, eq=False)
class Plan:
    """The sampled frames of one video, and how to get at them.

    Attributes:
        info: what is answered about the video, with the frames that are to be decoded.
        pts: the presentation time of every frame, ascending, in ticks of the stream.
        feed: a ``Feed`` for each packet, in order of decoding.
        in_order: see ``Scan.in_order``.
    """

    info: VideoInfo
    pts: NDArray[np.int64]
    feed: NDArray[np.uint8]
    in_order: bool


def make_plan(source: Source, video: Video, limits: VideoLimits, budget: Budget) -> Plan:
    """Plans the decoding of ``source`` as ``video`` asks; decodes no more than one frame.

    Raises:
        VideoUnreadable: not a video, or no frame of it can be decoded.
        VideoTooLong: more seconds or frames than ``limits`` admit, or see ``Budget.check``.
        DeadlineExceeded: see ``Budget.check``.
        TooLarge: a frame has more than ``limits.max_pixels`` pixels.
        InvalidRequest: ``video.start`` lies beyond the end of the video.
    """
    scanned = scan(source, limits, budget)
    if not scanned.shown.any():
        raise unreadable(source.name, "its container gives no presentation times")
    order = np.argsort(scanned.pts[scanned.shown], kind="stable")
    pts = scanned.pts[scanned.shown][order]
    durations = scanned.duration[scanned.shown][order]
    ends = frame_ends(pts, durations, scanned.seconds_per_tick)
    duration = float(ends[-1])
    check_length(len(pts), duration, source.name, limits)
    _check_start(video.start, duration)
    sampled = sample(ends, video.start, video.end, video.max_frames, video.max_fps)
    _check_sampled(len(sampled.times), source.name, limits)
    wanted = scanned.shown & np.isin(scanned.pts, pts[sampled.indices])
    feed = schedule(wanted, scanned.afresh, nonreference_marked=scanned.nonreference_marked)
    budget.check_frames(int(np.count_nonzero(feed == Feed.DECODE)))
    return Plan(
        info=_info(scanned, duration, pts, sampled),
        pts=pts,
        feed=feed,
        in_order=scanned.in_order,
    )


def varies(pts: NDArray[np.int64]) -> bool:
    """Whether frames follow each other at varying intervals, ``pts`` being ascending.

    Rounding to the container's ticks does not count, nor do differences under 1 %.
    """
    if len(pts) < 3:
        return False
    intervals = np.diff(pts)
    mean = intervals.mean()
    return bool(np.abs(intervals - mean).max() > max(2.0, 0.01 * mean))


def _check_start(start: float, duration: float) -> None:
    if start > 0 and start >= duration:
        raise InvalidRequest(
            f"video.start: {start:g} s lies beyond the end of the video, which lasts "
            f"{duration:.3f} s; choose an earlier start",
            field="video.start",
        )


def _check_sampled(count: int, name: str, limits: VideoLimits) -> None:
    if count > limits.max_sampled_frames:
        raise VideoTooLong(
            f"{name} would be sampled at {count} frames; this server takes up to "
            f"{limits.max_sampled_frames} (setting max_sampled_frames): ask with a smaller "
            "max_frames or max_fps, or for a shorter part",
            field="video.max_frames",
        )


def _info(scanned: Scan, duration: float, pts: NDArray[np.int64], sampled: Sample) -> VideoInfo:
    width, height = scanned.first_frame.width, scanned.first_frame.height
    if clockwise_rotation(scanned.first_frame) in (90, 270):
        width, height = height, width
    return VideoInfo(
        width=width,
        height=height,
        duration=duration,
        frame_rate=len(pts) / duration if duration > 0 else scanned.guessed_rate or 1.0,
        frame_count=len(pts),
        variable_frame_rate=varies(pts),
        sampled=Sampled(times=sampled.times.tolist(), frames=(sampled.indices + 1).tolist()),
    )
