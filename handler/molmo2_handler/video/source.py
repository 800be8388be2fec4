"""The bytes of a video: sent with the request, or from where its URI says, if that is allowed."""

import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable
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
from molmo2_handler.video.sources.allowance import Allowance
from molmo2_handler.video.sources.allowed import STORES
from molmo2_handler.video.sources.network_address import Resolve, system_resolver
from molmo2_handler.video.sources.remote import Remote
from molmo2_handler.video.sources.spool import Spool
from molmo2_handler.video.sources.stored_video import StoredVideo
from molmo2_handler.video.sources.web_video import WebVideo

_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


@dataclass(frozen=True)
class Source:
    """An open video.

    ``name`` is what messages call it. ``identify`` says what ``identity`` is, when that is asked.
    """

    file: BinaryIO
    name: str
    identify: Callable[[], str]

    @cached_property
    def identity(self) -> str:
        """Equal for equal content, and only then. May read all of it, and fetch it for that."""
        return self.identify()


def open_source(
    video: Video,
    body: bytes | None,
    limits: VideoLimits,
    deadline: float | None = None,
    resolve: Resolve = system_resolver,
    kind: str = "video",
) -> Source:
    """Opens what ``video`` names, or ``body``, the bytes sent with the request.

    What comes over a network is fetched as it is read; reading raises the same errors.

    Args:
        deadline: a value of ``time.monotonic`` at which to stop fetching, or None.
        resolve: finds the addresses of a host.
        kind: what messages call the bytes sent.

    Raises:
        InvalidRequest: neither or both are given, or the URI is not one that is served.
        VideoForbidden: the URI leads where this server may not read, or its origin refuses.
        VideoNotFound: nothing is there.
        VideoUnreadable: it is empty, not a regular file, closed to this server, or its origin
            failed.
        TooLarge: more bytes than ``limits.max_video_bytes``.
        DeadlineExceeded: the deadline passed.
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
    if video.uri is None:
        assert body is not None
        return _sent(body, f"the {kind} sent with the request", limits)
    scheme = video.uri.partition(":")[0].lower()
    if scheme == "file":
        return _open_file(video.uri, limits)
    allowance = Allowance(limits, deadline)
    if scheme in ("http", "https"):
        return _fetched(WebVideo(video.uri, limits, allowance, resolve), allowance)
    if scheme in STORES:
        return _fetched(StoredVideo(video.uri, limits, allowance), allowance)
    given = f"'{scheme}:'" if ":" in video.uri else "a URI without a scheme"
    raise InvalidRequest(
        f"video.uri: {given} is not served; served are file:///absolute/path, https://host/path "
        "and s3://bucket/key (also http:, gs: and az:), as far as this server's settings allow, "
        "and bytes sent with the request",
        field="video.uri",
    )


def _sent(body: bytes, name: str, limits: VideoLimits) -> Source:
    _check_size(len(body), name, limits)
    content = bytes(body)
    return Source(io.BytesIO(content), name, lambda: hashlib.blake2b(content).hexdigest())


def _fetched(remote: Remote, allowance: Allowance) -> Source:
    spool = Spool(remote, allowance)
    return Source(io.BufferedReader(spool), remote.name, spool.identity)


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
    return Source(file, uri, lambda: repr(identity))


def _check_size(size: int, name: str, limits: VideoLimits) -> None:
    if size == 0:
        raise VideoUnreadable(f"{name} is empty", field="video")
    if size > limits.max_video_bytes:
        raise TooLarge(
            f"{name} has {size} bytes; this server takes up to {limits.max_video_bytes} "
            "(setting max_video_bytes): compress it or cut it into parts",
            field="video",
        )
