"""A video file as its container describes it: the stream that is the video, and its packets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NoReturn

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from molmo2_contract.errors import TooLarge, VideoTooLong, VideoUnreadable
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.memory import bounded_memory
from molmo2_handler.video.metered_file import MeteredFile

VIDEO_FORMATS = ("mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "gif")
"""FFmpeg's names of the containers that are read; none of them makes it open another file."""

_AUDIO_FORMATS = ("mp3", "wav", "flac", "aac")  # read so that the message can say what it is

_OPTIONS = {"format_whitelist": ",".join(VIDEO_FORMATS + _AUDIO_FORMATS)}
_BUFFER_BYTES = 256 * 1024
_NOT_ALLOWED = 22  # EINVAL: what FFmpeg answers for a format that the whitelist lacks


@contextmanager
def open_stream(
    file: BinaryIO, name: str, limits: VideoLimits, budget: Budget
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container in ``file``, read from its beginning, and its best video stream.

    Raises:
        VideoUnreadable: not a video, or one that cannot be decoded here.
        TooLarge: a frame has more than ``limits.max_pixels`` pixels, by the header.
        VideoTooLong: more frames or seconds than ``limits`` admit, by the header.
        TooLarge: beyond ``limits.max_decode_memory_bytes``, inside the block too.
        DeadlineExceeded, VideoTooLong: see ``Budget.check``; also from within FFmpeg's reading.
    """
    try:
        with (
            bounded_memory(limits.max_decode_memory_bytes),
            _opened(file, name, limits, budget) as container,
        ):
            yield container, _ready_stream(container, name, limits)
    except MemoryError:
        raise TooLarge(
            f"{name} takes more than {limits.max_decode_memory_bytes} bytes of memory to decode, "
            "the most that this server has for a video (setting max_decode_memory_bytes): "
            "store it anew, or scale it down",
            field="video",
        ) from None


def _opened(file: BinaryIO, name: str, limits: VideoLimits, budget: Budget) -> InputContainer:
    try:
        file.seek(0)
        return av.open(
            MeteredFile(file, name, limits, budget),
            mode="r",
            options=_OPTIONS,
            metadata_errors="replace",
            buffer_size=_BUFFER_BYTES,
            io_open=_refuse,
        )
    except MemoryError:
        raise
    except (av.FFmpegError, OSError) as error:
        raise unreadable(name, _reason(error)) from None


def _ready_stream(container: InputContainer, name: str, limits: VideoLimits) -> VideoStream:
    stream = _video_stream(container, name)
    check_pixels(stream.width, stream.height, name, limits)
    check_length(*_told_length(container, stream), name, limits)
    context = stream.codec_context
    context.options = {"max_pixels": str(limits.max_pixels)}
    context.thread_count = limits.decode_threads
    context.thread_type = "FRAME" if limits.decode_threads > 1 else "NONE"
    return stream


def packets(container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """The packets of ``stream`` in order of decoding, up to where the file can be read."""
    try:
        for packet in container.demux(stream):
            if packet.size:  # PyAV ends with an empty one, which would drain the decoder
                yield packet
    except (av.FFmpegError, OSError, IndexError):  # IndexError: PyAV, if a stream appears late
        return


def decode_packet(packet: Packet[VideoStream]) -> list[VideoFrame]:
    """The frames that the decoder gives out for ``packet``; none where it is damaged."""
    try:
        return packet.decode()
    except av.FFmpegError:
        return []


def drain(stream: VideoStream) -> list[VideoFrame]:
    """The frames that the decoder still holds after the last packet."""
    try:
        return stream.decode(None)
    except av.FFmpegError:
        return []


def unreadable(name: str, reason: str) -> VideoUnreadable:
    """The error that says why ``name`` is no video for this server."""
    return VideoUnreadable(f"{name} is not a video that can be decoded: {reason}", field="video")


def check_pixels(width: int, height: int, name: str, limits: VideoLimits) -> None:
    """Raises TooLarge where a frame has more than ``limits.max_pixels`` pixels."""
    if width * height > limits.max_pixels:
        raise TooLarge(
            f"{name} has frames of {width} x {height} pixels; this server takes up to "
            f"{limits.max_pixels} pixels (setting max_pixels): scale it down",
            field="video",
        )


def check_length(frames: int, seconds: float, name: str, limits: VideoLimits) -> None:
    """Raises VideoTooLong beyond ``limits.max_frame_count`` or ``limits.max_duration``."""
    if frames > limits.max_frame_count:
        raise VideoTooLong(
            f"{name} has more than {limits.max_frame_count} frames, the most that this server "
            "takes (setting max_frame_count): cut it into parts",
            field="video",
        )
    if seconds > limits.max_duration:
        raise VideoTooLong(
            f"{name} lasts {seconds:.3f} s; this server takes videos of up to "
            f"{limits.max_duration:g} s (setting max_duration): cut it into parts",
            field="video",
        )


def _told_length(container: InputContainer, stream: VideoStream) -> tuple[int, float]:
    """Frames and seconds, as the header says; 0 where it does not."""
    if stream.duration is not None and stream.time_base is not None:
        return stream.frames, float(stream.duration * stream.time_base)
    return stream.frames, (container.duration or 0) / av.time_base


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not videos:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise unreadable(name, f"it has no video stream (found: {kinds})")
    best = container.streams.best("video")
    stream = next((s for s in videos if s is best), videos[0])
    if stream.codec_context is None:
        raise unreadable(name, "this server has no decoder for its codec")
    return stream


def _refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise PermissionError(f"the video refers to another file, {url}, which is never opened")


def _reason(error: Exception) -> str:
    if isinstance(error, av.ArgumentError) and error.errno == _NOT_ALLOWED:
        return f"its container is none of {', '.join(VIDEO_FORMATS)}"
    return getattr(error, "strerror", None) or str(error)
