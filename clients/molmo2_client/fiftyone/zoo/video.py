"""What ``predict`` and ``embed`` may be given: a path, a dict with ``filepath``, or a reader."""

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Protocol, runtime_checkable


@runtime_checkable
class VideoReader(Protocol):
    """An open video; FiftyOne's is ``eta.core.video.FFmpegVideoReader``."""

    inpath: str


VideoArgument = str | PathLike[str] | Mapping[str, str] | VideoReader


def path_of(video: VideoArgument) -> str:
    """The path of the video's file."""
    match video:
        case str() | PathLike():
            return fspath(video)
        case {"filepath": path}:
            return path
        case VideoReader():
            return video.inpath
    raise TypeError(
        f"{type(video).__name__} is no video; expected a path, a dict with 'filepath', or an "
        "eta.core.video.VideoReader"
    )


def stop_decoding(video: VideoArgument) -> None:
    """Ends the ``ffmpeg`` with which FiftyOne opens every video before it calls the model.

    No frame of it is read here, and closing its reader waits until it has started and failed to
    write its first one, which takes longer than all else that is done about a sample.
    """
    process = getattr(getattr(video, "_ffmpeg", None), "_p", None)
    if process is not None:
        process.kill()
