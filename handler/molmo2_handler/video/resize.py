"""Bilinear resizing of frames, equal to torch's to the last bit, without torch.

The checkpoints were trained on frames resized by ``F.interpolate(float32, mode="bilinear",
align_corners=False)`` and then rounded. For more than 64 pixels a side, and with more than one
thread, ATen interpolates along rows and then along columns, each time in float32 as

    fma(first, first_weight, second * second_weight)

on every CPU that has fused multiply-add. numpy has none, so a step is done in float64, where the
product is exact, and rounded to float32 once. (On one thread, or for smaller sizes, ATen takes
another way, and one value of some 10,000 differs by 1 after rounding.)
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_BAND = 16  # output rows at a time: their intermediate values stay in the CPU's cache


class _Axis(NamedTuple):
    """For each place of the output: the two places of the input next to it, and their weights."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    first_weight: NDArray[np.float32]
    second_weight: NDArray[np.float32]


class BilinearResizer:
    """Resizes RGB images of ``height`` x ``width`` to ``size`` x ``size``, aspect not kept."""

    def __init__(self, height: int, width: int, size: int) -> None:
        self._size = size
        self._down = _axis(height, size)
        across, channel = _axis(width, size), np.arange(3)
        self._across = _Axis(  # of the values in a row, which hold three channels a pixel
            (across.first[:, None] * 3 + channel).ravel(),
            (across.second[:, None] * 3 + channel).ravel(),
            across.first_weight.repeat(3),
            across.second_weight.repeat(3),
        )

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``image`` [height, width, 3] as [size, size, 3]."""
        rows = image.reshape(len(image), -1)
        resized = np.empty((self._size, self._size * 3), np.uint8)
        for start in range(0, self._size, _BAND):
            band = slice(start, start + _BAND)
            value = _mix(
                self._resize_rows(rows[self._down.first[band]]),
                self._down.first_weight[band, None],
                self._resize_rows(rows[self._down.second[band]]),
                self._down.second_weight[band, None],
            )
            # Weighted means of values from 0 to 255 need no clipping.
            resized[band] = np.rint(value)
        return resized.reshape(self._size, self._size, 3)

    def _resize_rows(self, rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        across = self._across
        return _mix(
            rows.take(across.first, axis=1),
            across.first_weight,
            rows.take(across.second, axis=1),
            across.second_weight,
        )


@lru_cache(maxsize=8)
def resizer(height: int, width: int, size: int) -> BilinearResizer:
    """A resizer for these sizes, made once."""
    return BilinearResizer(height, width, size)


def _axis(length: int, size: int) -> _Axis:
    scale = np.float64(np.float32(length) / np.float32(size))
    place = (scale * (np.arange(size) + 0.5) - 0.5).astype(np.float32).clip(0, None)
    first = place.astype(np.intp)
    weight = place - first.astype(np.float32)
    return _Axis(first, np.minimum(first + 1, length - 1), np.float32(1) - weight, weight)


def _mix(
    first: NDArray[np.uint8 | np.float32],
    first_weight: NDArray[np.float32],
    second: NDArray[np.uint8 | np.float32],
    second_weight: NDArray[np.float32],
) -> NDArray[np.float32]:
    mixed = first.astype(np.float64)  # converted beforehand: numpy's own conversions are slower
    mixed *= first_weight
    addend = second.astype(np.float32)
    addend *= second_weight
    mixed += addend
    return mixed.astype(np.float32)
