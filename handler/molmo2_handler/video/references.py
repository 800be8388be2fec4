"""What the frames of a stream refer to, as far as one must know to leave some of them out."""

from __future__ import annotations

from collections.abc import Iterator

from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

_H264_SLICES, _H264_REFRESH = range(1, 6), {5}  # NAL unit types of ITU-T H.264, table 7-1
_HEVC_SLICES, _HEVC_REFRESH = range(32), {19, 20}  # and of ITU-T H.265, table 7-1

_LENGTH_FIELD = {"h264": 4, "hevc": 21}  # offsets into avcC and hvcC, ISO/IEC 14496-15
_HVCC_LAYERS = 21

_KEYFRAME_REFRESHES = {"vp8", "vp9", "av1"}
_NONREFERENCE_MARKED = {"h264", "mpeg1video", "mpeg2video", "mpeg4"}


def starts_afresh(packet: Packet[VideoStream]) -> bool:
    """Whether no frame from ``packet`` on refers to one before it.

    A container's keyframe mark does not say that: after an open group of pictures or a rolling
    intra refresh, frames still refer to what came before. So H.264 and HEVC packets are looked
    into, and only an instantaneous decoder refresh (IDR) counts.
    """
    if not packet.is_keyframe:
        return False
    context = packet.stream.codec_context
    match context.codec.canonical_name:
        case "h264":
            kinds = (byte & 0x1F for byte in _unit_headers(packet, context))
            return next((kind in _H264_REFRESH for kind in kinds if kind in _H264_SLICES), False)
        case "hevc":
            kinds = (byte >> 1 & 0x3F for byte in _unit_headers(packet, context))
            return next((kind in _HEVC_REFRESH for kind in kinds if kind in _HEVC_SLICES), False)
        case codec:
            return codec in _KEYFRAME_REFRESHES


def marks_nonreference(context: VideoCodecContext) -> bool:
    """Whether frames that the stream marks as non-reference are referred to by no frame at all.

    In HEVC the mark holds within a temporal layer only, so there must be just one.
    """
    codec, header = context.codec.canonical_name, context.extradata or b""
    if codec == "hevc":
        return _is_record(header, codec) and header[_HVCC_LAYERS] >> 3 & 7 == 1
    return codec in _NONREFERENCE_MARKED


def _unit_headers(packet: Packet[VideoStream], context: VideoCodecContext) -> Iterator[int]:
    """The first byte of each NAL unit in ``packet``: the one that holds its type."""
    data, header, codec = bytes(packet), context.extradata or b"", context.codec.canonical_name
    if _is_record(header, codec):
        width = (header[_LENGTH_FIELD[codec]] & 3) + 1
        place = 0
        while place + width < len(data):
            yield data[place + width]
            place += width + int.from_bytes(data[place : place + width], "big")
        return
    place = data.find(b"\0\0\1")
    while 0 <= place < len(data) - 3:
        yield data[place + 3]
        place = data.find(b"\0\0\1", place + 3)


def _is_record(header: bytes, codec: str) -> bool:
    """Whether units are prefixed with their length, as avcC and hvcC say; else by start codes."""
    return header[:1] == b"\1" and len(header) > _LENGTH_FIELD[codec]
