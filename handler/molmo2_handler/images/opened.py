"""One image of one request, from its bytes to pixels."""

import warnings
from functools import cached_property
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from molmo2_contract.errors import Molmo2Error, TooLarge, VideoUnreadable
from molmo2_contract.images import ImageInfo
from molmo2_contract.video import Video
from molmo2_handler.video import VideoLimits
from molmo2_handler.video.source import Source, open_source

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_ON_ITS_SIDE = {5, 6, 7, 8}
"""EXIF orientations that exchange width and height."""


class OpenImage:
    """An image that is open for reading. Close it, or use it as a context manager.

    Its header is read at once, its pixels when they are asked for. Like the reference, it is
    turned upright by its EXIF orientation, and an animation is its first frame.
    """

    def __init__(self, source: Source, limits: VideoLimits, field: str) -> None:
        self._source = source
        self._field = field
        try:
            with warnings.catch_warnings():
                # Pillow warns of sizes that are within our bound, or are refused below.
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                self._image = Image.open(source.file, formats=_FORMATS)
        except Image.DecompressionBombError as error:
            raise TooLarge(f"{source.name}: {error} (setting max_pixels)", field=field) from None
        except (OSError, ValueError, SyntaxError) as error:
            raise self._unreadable(error) from None
        width, height = self._image.size
        if width * height > limits.max_pixels:
            raise TooLarge(
                f"{source.name} has {width} x {height} pixels; this server takes up to "
                f"{limits.max_pixels} (setting max_pixels): make it smaller",
                field=field,
            )

    @property
    def identity(self) -> str:
        """Equal for equal content, and only then."""
        return self._source.identity

    @cached_property
    def info(self) -> ImageInfo:
        width, height = self._image.size
        if self._image.getexif().get(ExifTags.Base.Orientation) in _ON_ITS_SIDE:
            width, height = height, width
        return ImageInfo(width=width, height=height)

    def pixels(self) -> NDArray[np.uint8]:
        """uint8 RGB [height, width, 3].

        Raises:
            VideoUnreadable: the image is damaged.
        """
        try:
            return np.asarray(ImageOps.exif_transpose(self._image).convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise self._unreadable(error) from None

    def close(self) -> None:
        self._source.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _unreadable(self, error: Exception) -> VideoUnreadable:
        return VideoUnreadable(
            f"{self._source.name} is not an image that can be decoded ({', '.join(_FORMATS)}): "
            f"{error}",
            field=self._field,
        )


def open_image(
    place: int, uri: str | None, body: bytes | None, limits: VideoLimits, deadline: float
) -> OpenImage:
    """Opens the ``place``-th image of a request, from its URI or from the bytes sent.

    Raises what ``open_source`` raises, naming the image.
    """
    field = f"images[{place}]"
    try:
        source = open_source(Video(uri=uri), body, limits, deadline)
    except Molmo2Error as error:
        raise type(error)(
            f"{field}: {error.message}", field=field, retry_after=error.retry_after
        ) from None
    try:
        return OpenImage(source, limits, field)
    except Molmo2Error:
        source.file.close()
        raise
