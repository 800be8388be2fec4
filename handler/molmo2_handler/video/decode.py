"""Decoding of the planned frames, and of nothing that they do not need."""

from collections.abc import Generator, Iterator
from contextlib import closing

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from molmo2_handler.video.budget import Budget
from molmo2_handler.video.container import (
    decode_packet,
    drain,
    open_stream,
    packets,
    unreadable,
)
from molmo2_handler.video.gallery import DecodedFrames, Gallery, NumberedFrame
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.plan import Plan
from molmo2_handler.video.schedule import Feed
from molmo2_handler.video.source import Source


def decode(
    source: Source, plan: Plan, size: int, limits: VideoLimits, budget: Budget
) -> DecodedFrames:
    """Decodes the planned frames of ``source``, each resized to ``size`` x ``size`` at once.

    Memory depends on how many frames are planned and on their size, not on the video's length.

    Raises:
        DeadlineExceeded, VideoTooLong: the budget is spent.
        VideoUnreadable: no frame can be decoded.
    """
    arguments = (source, plan, size, limits, budget)
    try:
        found = None if plan.in_order else _decode(*arguments, thrifty=True)
        if found is None or found.numbers != plan.info.sampled.frames:
            found = _decode(*arguments, thrifty=False)
    except av.FFmpegError as error:
        raise unreadable(source.name, str(error.strerror)) from None
    if found is None:
        raise unreadable(source.name, "none of the sampled frames can be decoded")
    return found


def _decode(
    source: Source,
    plan: Plan,
    size: int,
    limits: VideoLimits,
    budget: Budget,
    *,
    thrifty: bool,
) -> DecodedFrames | None:
    """Decodes what the plan says, or, if not ``thrifty``, everything, as any player does.

    They agree on videos that are whole. What a decoder makes of a damaged frame depends on all the
    packets it was given before, so such frames count only if it was given all of them.
    """
    feed = plan.feed if thrifty else np.full_like(plan.feed, Feed.DECODE)
    planned = plan.info.sampled.frames
    gallery = Gallery(len(planned), size)
    latest: NumberedFrame | None = None
    with closing(_frames(source, feed, limits, budget)) as frames:
        for current in _numbered(frames, plan):
            number, frame = current
            if thrifty and frame.is_corrupt:
                continue
            while len(gallery) < len(planned) and planned[len(gallery)] <= number:
                is_planned = planned[len(gallery)] == number
                gallery.add(current if is_planned or latest is None else latest)
            if len(gallery) == len(planned):
                break
            latest = current
    while latest is not None and len(gallery) < len(planned):
        gallery.add(latest)
    return gallery.finished() if gallery else None


def _frames(
    source: Source, feed: NDArray[np.uint8], limits: VideoLimits, budget: Budget
) -> Generator[VideoFrame, None, None]:
    """Frames in order of presentation."""
    with open_stream(source.file, source.name, limits, budget) as (container, stream):
        context = stream.codec_context
        for packet, choice in zip(packets(container, stream), feed, strict=False):
            budget.check()
            if choice != Feed.LEAVE_OUT:
                context.skip_frame = "DEFAULT" if choice == Feed.DECODE else "NONREF"
                decoded = decode_packet(packet)
                budget.spend_frames(len(decoded))
                yield from decoded
        yield from drain(stream)


def _numbered(frames: Iterator[VideoFrame], plan: Plan) -> Iterator[NumberedFrame]:
    if plan.in_order:
        yield from enumerate(frames, 1)
        return
    for frame in frames:
        if frame.pts is not None and frame.pts >= plan.pts[0]:
            yield int(np.searchsorted(plan.pts, frame.pts, side="right")), frame
