"""What ``predict`` and ``embed`` are given.

Their callers give a path, or a dict with ``filepath``. FiftyOne gives an open video, or the pixels
of an image, which do not say where they are from.
"""

from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any, Protocol, runtime_checkable

import numpy as np
from fiftyone.core.media import get_media_type

from molmo2_client.fiftyone.media_type import MediaType


@runtime_checkable
class VideoReader(Protocol):
    """An open video; FiftyOne's is ``eta.core.video.FFmpegVideoReader``."""

    inpath: str


Pixels = np.ndarray[Any, np.dtype[np.uint8]]

Argument = str | PathLike[str] | Mapping[str, str] | VideoReader | Pixels


def path_of(argument: Argument) -> str:
    """The path of the file.

    Raises:
        TypeError: there is none in what was given.
    """
    match argument:
        case str() | PathLike():
            return fspath(argument)
        case {"filepath": path}:
            return path
        case VideoReader():
            return argument.inpath
    raise TypeError(
        f"{type(argument).__name__} does not name a file; expected a path, a dict with 'filepath', "
        "or an eta.core.video.VideoReader"
    )


def media_type_of_file(path: str) -> MediaType:
    """What the file is by its name, as FiftyOne has it; a video where that says nothing."""
    return "image" if get_media_type(path) == "image" else "video"


def stop_decoding(argument: Argument) -> None:
    """Ends the ``ffmpeg`` with which FiftyOne opens every video before it calls the model.

    No frame of it is read here, and closing its reader waits until it has started and failed to
    write its first one, which takes longer than all else that is done about a sample.
    """
    process = getattr(getattr(argument, "_ffmpeg", None), "_p", None)
    if process is not None:
        process.kill()
