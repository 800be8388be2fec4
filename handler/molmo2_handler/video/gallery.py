"""Decoded frames as they are gathered: upright, in RGB, at the model's size."""

from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from molmo2_handler.video.resize import resizer
from molmo2_handler.video.rgb import RgbConverter

NumberedFrame = tuple[int, VideoFrame]
"""A frame and its 1-based number in the video."""


@dataclass(frozen=True, eq=False)
class DecodedFrames:
    """``images``: uint8 [n, size, size, 3], RGB, C-contiguous. ``numbers``: 1-based, of each.

    The numbers are those of the plan, except in a damaged video: where a frame cannot be decoded,
    the nearest earlier one that can stands in for it (the first one, where there is none before).
    """

    images: NDArray[np.uint8]
    numbers: list[int]


class Gallery:
    """Fills with images, one after the other; a frame that comes twice is converted once."""

    def __init__(self, count: int, size: int) -> None:
        self._images = np.empty((count, size, size, 3), np.uint8)
        self._numbers: list[int] = []
        self._to_rgb = RgbConverter()

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, numbered: NumberedFrame) -> None:
        number, frame = numbered
        place = len(self)
        if place and self._numbers[-1] == number:
            self._images[place] = self._images[place - 1]
        else:
            image = self._to_rgb(frame)
            resize = resizer(image.shape[0], image.shape[1], self._images.shape[1])
            self._images[place] = resize(image)
        self._numbers.append(number)

    def finished(self) -> DecodedFrames:
        return DecodedFrames(self._images, self._numbers)
