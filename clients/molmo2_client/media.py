"""The video of a call: what the request says of it, and where its bytes come from."""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, assert_never
from urllib.parse import quote

from molmo2_client.errors import InvalidRequest, Molmo2Error, VideoForbidden, VideoNotFound
from molmo2_client.settings import Media
from molmo2_client.upload import Source
from molmo2_contract.video import Video

VideoLike = bytes | str | PathLike[str] | Video
"""Bytes of a file, a path, a URI (``file:///data/a.mp4``), or the contract's ``Video``."""

_URI = re.compile(r"file:|[A-Za-z][A-Za-z0-9+.-]*://")

_PERCENT_DECODED = {"file", "http", "https"}
"""Schemes whose paths are percent-encoded; the keys of object stores are written as they are."""


def resolve(
    video: VideoLike, media: Media, prefixes: Mapping[str, str]
) -> tuple[dict[str, Any], Source]:
    """The ``video`` field of the request, and the source of the bytes that travel with it.

    Raises:
        InvalidRequest: nothing says where the video is, or where the server has it.
    """
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
            path = Path(video).expanduser()
            return ({}, path) if media == "upload" else ({"uri": _uri(path, media, prefixes)}, None)
        case _:
            assert_never(video)


def _uri(path: Path, media: Media, prefixes: Mapping[str, str]) -> str:
    """Where the server finds what is at ``path`` here."""
    for written in (Path(os.path.abspath(path)), path.resolve()):
        for prefix in sorted(prefixes, key=len, reverse=True):
            if written.is_relative_to(prefix):
                return _moved(written.relative_to(prefix), prefixes[prefix])
    if media == "uri":
        raise InvalidRequest(
            f"media='uri', and none of media_prefixes ({', '.join(prefixes) or 'there are none'})"
            f" begins {path}: add its folder"
            " (media_prefixes={'/here': 's3://there'}), or send its bytes (media='upload')",
            field="video",
        )
    return path.resolve().as_uri()


def _moved(rest: Path, base: str) -> str:
    if not _URI.match(base):
        return Path(base, rest).as_uri()
    quoted = base.partition(":")[0].lower() in _PERCENT_DECODED
    return f"{base.rstrip('/')}/{quote(rest.as_posix()) if quoted else rest.as_posix()}"


@contextmanager
def explained(sent: Mapping[str, VideoLike]) -> Iterator[None]:
    """Says of a path that the server refuses what else can be done with it.

    ``sent`` holds, by the field of the request in which the server was told of it, what the caller
    gave.
    """
    try:
        yield
    except (VideoForbidden, VideoNotFound, InvalidRequest) as error:
        given = sent.get(error.field or "")
        if given is None or isinstance(given, bytes | Video):
            raise
        if isinstance(given, str) and _URI.match(given):
            raise
        raise _explained(error, given) from None


def _explained(error: Molmo2Error, path: str | PathLike[str]) -> Molmo2Error:
    more = type(error)(
        f"{error.message} [the server cannot see {path}: send its bytes (media='upload'), or say"
        " where the server has it (media='path' with media_prefixes={'/here': '/there'})]",
        field=error.field,
    )
    more.request_id = error.request_id
    return more
