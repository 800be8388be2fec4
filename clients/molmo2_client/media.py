"""The video of a call: what the request says of it, and where its bytes come from."""

import re
from os import PathLike
from pathlib import Path
from typing import Any, assert_never

from molmo2_client.errors import (
    InvalidRequest,
    TooLarge,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_client.settings import Media
from molmo2_contract.video import Video

VideoLike = bytes | str | PathLike[str] | Video
"""Bytes of a file, a path, a URI (``file:///data/a.mp4``), or the contract's ``Video``."""

Source = bytes | Path | None
"""Bytes to send, a file whose bytes to send, or nothing: the server opens the URI itself."""

_URI = re.compile(r"file:|[A-Za-z][A-Za-z0-9+.-]*://")


def resolve(video: VideoLike, media: Media) -> tuple[dict[str, Any], Source]:
    """The ``video`` field of the request, and the source of the bytes that travel with it."""
    match video:
        case bytes():
            return {}, video
        case Video(uri=None):
            raise InvalidRequest(
                "video.uri: required, and missing; give bytes or a path to send a file",
                field="video.uri",
            )
        case Video():
            return video.model_dump(exclude_unset=True), None
        case str() if _URI.match(video):
            return {"uri": video}, None
        case str() | PathLike():
            return _local(Path(video).expanduser(), media)
        case _:
            assert_never(video)


def _local(path: Path, media: Media) -> tuple[dict[str, Any], Source]:
    if media == "path":
        return {"uri": path.resolve().as_uri()}, None
    return {}, path


def read(source: Source, max_upload_bytes: int) -> bytes | None:
    """The bytes to send, if any.

    Raises:
        TooLarge: more than ``max_upload_bytes``; nothing was read.
        VideoNotFound, VideoForbidden, VideoUnreadable: the file cannot be read here.
    """
    if not isinstance(source, Path):
        if source is not None:
            _check_size(len(source), max_upload_bytes)
        return source
    try:
        _check_size(source.stat().st_size, max_upload_bytes)
        return source.read_bytes()
    except FileNotFoundError:
        raise VideoNotFound(
            f"video: no file {source}; a path on the server is sent with media='path' or as file:///…"
        ) from None
    except PermissionError:
        raise VideoForbidden(f"video: {source} may not be read by this user") from None
    except OSError as error:
        raise VideoUnreadable(f"video: {source} cannot be read: {error.strerror}") from None


def _check_size(size: int, max_upload_bytes: int) -> None:
    if size > max_upload_bytes:
        raise TooLarge(
            f"video: {size} bytes, and max_upload_bytes is {max_upload_bytes}; send the path of a"
            " file that the server can read (media='path'), or raise max_upload_bytes here and"
            " max_request_size in the server's config.properties",
            field="video",
        )
