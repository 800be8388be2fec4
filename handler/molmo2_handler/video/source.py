"""The bytes of a video: sent with the request, or a file under the allowed roots."""

import errno
import hashlib
import io
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from molmo2_contract.errors import (
    InvalidRequest,
    TooLarge,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_contract.video import Video
from molmo2_handler.video.file_uri import allowed_path
from molmo2_handler.video.limits import VideoLimits

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


@dataclass(frozen=True)
class Source:
    """An open video.

    ``name`` is what messages call it. ``content`` is what identifies its content: the bytes
    themselves, or the file's resolved path, device, inode, size and time of change.
    """

    file: BinaryIO
    name: str
    content: bytes | tuple[str, int, int, int, int]

    @cached_property
    def identity(self) -> str:
        """Equal for equal content, and only then. Hashes all of it if it came as bytes."""
        if isinstance(self.content, tuple):
            return repr(self.content)
        return hashlib.blake2b(self.content).hexdigest()


def open_source(video: Video, body: bytes | None, limits: VideoLimits) -> Source:
    """Opens what ``video`` names, or ``body``, the bytes sent with the request.

    Raises:
        InvalidRequest: neither or both are given, or the URI is not one that is served.
        VideoForbidden: the path leads outside the allowed roots.
        VideoNotFound: nothing is there.
        VideoUnreadable: it is empty, not a regular file, or closed to this server's user.
        TooLarge: more bytes than ``limits.max_video_bytes``.
    """
    if video.uri is None and body is None:
        raise InvalidRequest(
            "video: none given; name it in video.uri or send its bytes with the request",
            field="video",
        )
    if video.uri is not None and body is not None:
        raise InvalidRequest(
            "video: given twice, as video.uri and as bytes; leave one of them out", field="video"
        )
    if video.uri is not None:
        return _open_file(video.uri, limits)
    assert body is not None
    name = "the video sent with the request"
    _check_size(len(body), name, limits)
    content = bytes(body)
    return Source(io.BytesIO(content), name, content)


def _open_file(uri: str, limits: VideoLimits) -> Source:
    path = allowed_path(uri, limits)
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise VideoUnreadable(f"{uri} is not a regular file", field="video.uri")
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in _GONE:
            raise VideoNotFound(f"{uri} does not exist", field="video.uri") from None
        raise VideoUnreadable(
            f"{uri} cannot be opened by this server: {error.strerror}", field="video.uri"
        ) from None
    file = os.fdopen(descriptor, "rb", buffering=0)
    try:
        opened = os.fstat(descriptor)
        if not os.path.samestat(found, opened) or os.path.realpath(path) != path:
            raise VideoForbidden(f"{uri} was replaced while it was opened", field="video.uri")
        _check_size(opened.st_size, uri, limits)
    except BaseException:
        file.close()
        raise
    identity = (path, opened.st_dev, opened.st_ino, opened.st_size, opened.st_mtime_ns)
    return Source(file, uri, identity)


def _check_size(size: int, name: str, limits: VideoLimits) -> None:
    if size == 0:
        raise VideoUnreadable(f"{name} is empty", field="video")
    if size > limits.max_video_bytes:
        raise TooLarge(
            f"{name} has {size} bytes; this server takes up to {limits.max_video_bytes} "
            "(setting max_video_bytes): compress it or cut it into parts",
            field="video",
        )
