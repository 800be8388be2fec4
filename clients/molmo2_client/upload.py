"""The bytes of a video, or of images, that travel with their call."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from molmo2_client.errors import TooLarge, VideoForbidden, VideoNotFound, VideoUnreadable

Source = bytes | Path | None
"""Bytes to send, a file whose bytes to send, or nothing: the server opens the URI itself."""


def check(sources: Iterable[bytes | Path], max_upload_bytes: int, field: str = "video") -> None:
    """Refuses what cannot be sent in one request, as its ``field``, before anything is read.

    Raises:
        TooLarge: more than ``max_upload_bytes`` together.
        VideoNotFound, VideoForbidden, VideoUnreadable: a file cannot be read here.
    """
    size = sum(_size(source) for source in sources)
    if size > max_upload_bytes:
        raise TooLarge(
            f"{field}: {size} bytes, and max_upload_bytes is {max_upload_bytes}; send the path of a"
            " file that the server can read (media='path'), or raise max_upload_bytes here and"
            " max_request_size in the server's config.properties",
            field=field,
        )


@contextmanager
def opened(source: bytes | Path) -> Iterator[bytes | BinaryIO]:
    """The bytes as they are, or the file, to be read from its beginning.

    Raises:
        VideoNotFound, VideoForbidden, VideoUnreadable: the file cannot be read here.
    """
    if isinstance(source, bytes):
        yield source
    else:
        with _open(source) as file:
            yield file


def content(source: bytes | Path) -> bytes:
    """All of it, for a transport that sends nothing less at once."""
    with opened(source) as found:
        return found if isinstance(found, bytes) else found.read()


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise VideoNotFound(
            f"no file {path}; a path on the server is sent with media='path' or as file:///…"
        ) from None
    except PermissionError:
        raise VideoForbidden(f"{path} may not be read by this user") from None
    except OSError as error:
        raise VideoUnreadable(f"{path} cannot be read: {error.strerror}") from None


def _size(source: bytes | Path) -> int:
    if isinstance(source, bytes):
        return len(source)
    with _open(source) as file:
        return file.seek(0, os.SEEK_END)
