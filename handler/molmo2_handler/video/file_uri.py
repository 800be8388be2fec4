"""The path that a ``file:`` URI names, if this server may read there."""

import os
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from molmo2_contract.errors import InvalidRequest, VideoForbidden
from molmo2_handler.video.limits import VideoLimits


def allowed_path(uri: str, limits: VideoLimits) -> str:
    """The path that ``uri`` names, without links, if it lies under one of the allowed roots.

    It must lie there before links are followed and after. That is decided before anything is
    looked up at the path, so that nobody learns what lies elsewhere.

    Raises:
        InvalidRequest: not a ``file:`` URI of this machine.
        VideoForbidden: the path leads outside the roots.
    """
    written = Path(os.path.normpath(_path_of(uri)))
    resolved = Path(os.path.realpath(written))
    roots = [Path(os.path.realpath(root)) for root in limits.allowed_roots]
    if not (
        any(written.is_relative_to(root) for root in (*limits.allowed_roots, *roots))
        and any(resolved.is_relative_to(root) for root in roots)
    ):
        raise VideoForbidden(
            f"{uri} lies outside the folders that this server may read (setting allowed_roots); "
            "put it into one of them or send its bytes",
            field="video.uri",
        )
    return str(resolved)


def _path_of(uri: str) -> str:
    """The absolute path that a ``file:`` URI names (RFC 8089), percent-decoded."""
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise InvalidRequest(f"video.uri: {error}", field="video.uri") from None
    if parts.netloc not in ("", "localhost"):
        raise InvalidRequest(
            f"video.uri: host '{parts.netloc}' is not this server; write file:///absolute/path",
            field="video.uri",
        )
    if "?" in uri or "#" in uri:
        raise InvalidRequest(
            "video.uri: '?' and '#' end a path; write %3F and %23", field="video.uri"
        )
    path = os.fsdecode(unquote_to_bytes(parts.path))
    if not path.startswith("/") or "\0" in path:
        raise InvalidRequest(
            "video.uri: the path must be absolute and without NUL bytes", field="video.uri"
        )
    return path
