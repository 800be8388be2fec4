"""Videos in object stores, through fsspec."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import fsspec
from fsspec.asyn import AsyncFileSystem, sync
from fsspec.exceptions import FSTimeoutError

from molmo2_contract.errors import (
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.sources.allowance import Allowance
from molmo2_handler.video.sources.remote import Transfer
from molmo2_handler.video.sources.stored_object import allowed_object

FIRST_PIECE = 256 * 1024
LAST_PIECE = 8 * 1024 * 1024
"""Bytes asked for at once: first that many, then twice as many each time up to this."""

_TAGS = ("ETag", "etag", "VersionId", "version_id", "generation")


class StoredVideo:
    """A ``Remote``: one object of a store, asked for in pieces."""

    ranges = True

    def __init__(self, uri: str, limits: VideoLimits, allowance: Allowance) -> None:
        """Asks for the object's size and tags.

        Raises:
            InvalidRequest: the URI is malformed.
            VideoForbidden: the bucket is not allowed, or the store says so.
            VideoNotFound: the store says that nothing is there.
            VideoUnreadable: the store failed, or it is no object.
            TooLarge: it has more bytes than this server takes.
            DeadlineExceeded: the request's deadline passed.
        """
        found = allowed_object(uri, limits)
        self.name = str(found)
        self._allowance = allowance
        self._path = found.path
        options = limits.store_options.get(found.store, {})  # type: ignore[call-overload]
        with self._translating():
            self._files: AsyncFileSystem = fsspec.filesystem(
                found.store, use_listings_cache=False, **options
            )
        self.size, self.identity = self._describe()
        allowance.check_size(self.size, self.name)
        if self.size == 0:
            raise VideoUnreadable(f"{self.name} is empty", field="video.uri")

    def transfer(self, offset: int) -> Transfer:
        count = FIRST_PIECE
        while offset < self.size:
            end = min(offset + count, self.size)
            piece = self._call(self._files._cat_file, self._path, start=offset, end=end)
            self._allowance.spend(len(piece))
            if len(piece) != end - offset:
                raise self._changed()
            if end == self.size:
                self.confirm()
            yield piece
            offset, count = end, min(count * 2, LAST_PIECE)

    def confirm(self) -> None:
        if self._describe() != (self.size, self.identity):
            raise self._changed()

    def close(self) -> None:
        """Nothing is open: connections belong to the process."""

    def _describe(self) -> tuple[int, str | None]:
        found = self._call(self._files._info, self._path)
        if found.get("type") != "file":
            raise VideoNotFound(f"{self.name} is no object", field="video.uri")
        tags = [found[tag] for tag in _TAGS if found.get(tag)]
        size = int(found["size"])
        return size, repr((self.name, tags, size)) if tags else None

    def _changed(self) -> VideoUnreadable:
        return VideoUnreadable(f"{self.name} changed while it was read", field="video.uri")

    def _call(
        self, ask: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any, **options: Any
    ) -> Any:
        left = self._allowance.remaining()
        with self._translating():
            return sync(self._files.loop, ask, *arguments, timeout=left, **options)

    @contextmanager
    def _translating(self) -> Iterator[None]:
        """Every store's library has errors of its own; some are what fsspec makes of them."""
        try:
            yield
        except FSTimeoutError:
            raise self._allowance.exceeded() from None
        except FileNotFoundError:
            raise VideoNotFound(f"{self.name} does not exist", field="video.uri") from None
        except PermissionError:
            raise VideoForbidden(f"{self.name}: its store refused it", field="video.uri") from None
        except Exception as error:
            raise VideoUnreadable(
                f"{self.name}: its store failed: {type(error).__name__}: {error}",
                field="video.uri",
            ) from None
