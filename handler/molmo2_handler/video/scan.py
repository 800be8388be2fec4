"""One pass over the packets of a video, which also decodes its first frame."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from molmo2_handler.video.budget import Budget
from molmo2_handler.video.container import (
    check_length,
    check_pixels,
    decode_packet,
    drain,
    open_stream,
    packets,
    unreadable,
)
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.references import marks_nonreference, starts_afresh
from molmo2_handler.video.source import Source


@dataclass(frozen=True, eq=False)
class Scan:
    """A stream and its packets; the arrays have one entry for each packet, in decoding order.

    Attributes:
        pts: presentation time, in ticks of ``seconds_per_tick``.
        duration: ticks for which the packet's frame is displayed, as the container says.
        shown: whether the frame is displayed at all; an edit list may cut it out.
        afresh: whether decoding can start at the packet.
        guessed_rate: frames a second, as the container says; 0 where it does not.
        nonreference_marked: see ``marks_nonreference``.
        in_order: the container stores no presentation times and the frames are reordered, so
            that they can only be told apart by counting them as the decoder gives them out.
        first_frame: the first that the decoder gave out.
    """

    pts: NDArray[np.int64]
    duration: NDArray[np.int64]
    shown: NDArray[np.bool_]
    afresh: NDArray[np.bool_]
    seconds_per_tick: float
    guessed_rate: float
    nonreference_marked: bool
    in_order: bool
    first_frame: VideoFrame


def scan(source: Source, limits: VideoLimits, budget: Budget) -> Scan:
    """Reads all packets of ``source`` that can be read.

    Raises:
        VideoUnreadable: not a video, or no frame of it can be decoded.
        VideoTooLong: more packets than ``limits.max_frame_count``.
        TooLarge: a frame has more than ``limits.max_pixels`` pixels.
        DeadlineExceeded, VideoTooLong: see ``Budget.check``.
    """
    with open_stream(source.file, source.name, limits, budget) as (container, stream):
        rows = array("q")
        first_frame = None
        for packet in packets(container, stream):
            budget.check()
            rows.extend(_row(packet))
            check_length(len(rows) // 4, 0, source.name, limits)
            first_frame = first_frame or next(iter(decode_packet(packet)), None)
        first_frame = first_frame or next(iter(drain(stream)), None)
        if first_frame is None:
            raise unreadable(source.name, "no frame of it can be decoded")
        check_pixels(first_frame.width, first_frame.height, source.name, limits)
        return _scan_of(stream, rows, first_frame, is_avi=container.format.name == "avi")


def _row(packet: Packet[VideoStream]) -> tuple[int, int, bool, bool]:
    shown = packet.pts is not None and not packet.is_discard
    return packet.pts or 0, max(packet.duration or 0, 0), shown, starts_afresh(packet)


def _scan_of(stream: VideoStream, rows: array[int], first_frame: VideoFrame, is_avi: bool) -> Scan:
    pts, duration, shown, afresh = np.array(rows, np.int64).reshape(-1, 4).T
    context = stream.codec_context
    codec = context.codec.canonical_name
    return Scan(
        pts=pts,
        duration=duration,
        shown=shown.astype(np.bool_),
        afresh=afresh.astype(np.bool_),
        seconds_per_tick=float(stream.time_base or 0),
        guessed_rate=float(stream.average_rate or 0),
        nonreference_marked=marks_nonreference(context),
        in_order=is_avi and bool(context.has_b_frames) and codec in ("h264", "hevc"),
        first_frame=first_frame,
    )
