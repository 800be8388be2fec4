"""One image of one request, from its bytes to pixels."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from molmo2_contract.errors import Molmo2Error, TooLarge, VideoUnreadable
from molmo2_contract.images import ImageInfo
from molmo2_contract.video import Video
from molmo2_handler.images.budget import ImageBudget
from molmo2_handler.video.memory import bounded_memory
from molmo2_handler.video.open_media import OpenMedia
from molmo2_handler.video.source import Source, open_source

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_ON_ITS_SIDE = {5, 6, 7, 8}
"""EXIF orientations that exchange width and height."""


class OpenImage(OpenMedia):
    """An image that is open for reading.

    Its header is read at once, its pixels when they are asked for; both are paid from ``budget``.
    Like the reference, it is turned upright by its EXIF orientation, and an animation is its first
    frame.
    """

    def __init__(self, source: Source, budget: ImageBudget, field: str) -> None:
        super().__init__(source)
        self._budget = budget
        self._field = field
        budget.spend_bytes(_size(source), field)
        with self._decoding():
            self._image = Image.open(_MeteredFile(source, budget, field), formats=_FORMATS)
        budget.spend_pixels(*self._image.size, source.name, field)

    @cached_property
    def info(self) -> ImageInfo:
        """The size when upright; of a PNG, whose orientation may come last, all of it is read.

        Raises:
            Molmo2Error: as ``pixels`` does.
        """
        width, height = self._image.size
        with self._decoding():
            orientation = self._image.getexif().get(ExifTags.Base.Orientation)
        if orientation in _ON_ITS_SIDE:
            width, height = height, width
        return ImageInfo(width=width, height=height)

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 RGB [height, width, 3].

        Raises:
            VideoUnreadable: the image is damaged.
            TooLarge: beyond ``max_decode_memory_bytes``, or see ``ImageBudget.check``.
            DeadlineExceeded: see ``ImageBudget.check``.
        """
        with self._decoding():
            return np.asarray(ImageOps.exif_transpose(self._image).convert("RGB"))

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        """Whatever Pillow may do with bytes that nobody vouches for."""
        self._budget.check(self._field)
        memory = self._budget.limits.max_decode_memory_bytes
        try:
            with bounded_memory(memory), warnings.catch_warnings():
                # Pillow warns of sizes that are within our bound, or are refused.
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                yield
        except Molmo2Error:
            raise
        except Image.DecompressionBombError as error:
            raise TooLarge(
                f"{self._source.name}: {error} (setting max_pixels): make it smaller",
                field=self._field,
            ) from None
        except MemoryError:
            raise TooLarge(
                f"{self._source.name} takes more than {memory} bytes of memory to decode, the most "
                "that this server has for an image (setting max_decode_memory_bytes): make it "
                "smaller",
                field=self._field,
            ) from None
        except UnidentifiedImageError:
            raise self._unreadable("it begins like none of them") from None
        except Exception as error:  # a damaged file makes Pillow's plugins stumble in many ways
            raise self._unreadable(str(error)) from None

    def _unreadable(self, reason: str) -> VideoUnreadable:
        return VideoUnreadable(
            f"{self._source.name} is not an image that can be decoded ({', '.join(_FORMATS)}): "
            f"{reason}",
            field=self._field,
        )


class _MeteredFile:
    """A file whose reading is paid from a budget; Pillow decodes as it reads."""

    def __init__(self, source: Source, budget: ImageBudget, field: str) -> None:
        self.seek, self.tell = source.file.seek, source.file.tell
        self._file = source.file
        self._budget = budget
        self._field = field

    def read(self, size: int = -1) -> bytes:
        self._budget.check(self._field)
        return self._file.read(size)


def open_image(place: int, uri: str | None, body: bytes | None, budget: ImageBudget) -> OpenImage:
    """Opens the ``place``-th image of a request, from its URI or from the bytes sent.

    Raises what ``open_source`` raises, naming the image, and what ``OpenImage.pixels`` raises.
    """
    field = f"images[{place}]"
    try:
        source = open_source(Video(uri=uri), body, budget.limits, budget.deadline, kind="image")
    except Molmo2Error as error:
        fault = error.message.removeprefix("video.uri: ")
        raise type(error)(f"{field}: {fault}", field=field, retry_after=error.retry_after) from None
    try:
        return OpenImage(source, budget, field)
    except BaseException:
        source.file.close()
        raise


def _size(source: Source) -> int:
    size = source.file.seek(0, os.SEEK_END)
    source.file.seek(0)
    return size
