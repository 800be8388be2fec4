"""Bilinear resizing of frames, equal to torch's to the last bit, without torch.

The checkpoints were trained on frames resized by ``F.interpolate(float32, mode="bilinear",
align_corners=False)`` and then rounded. ATen computes each output value as

    fma(w11, p11, fma(w10, p10, fma(w00, p00, w01 * p01)))

where ``wij`` is the float32 product of the weights of row ``i`` and column ``j``, on every CPU
that has fused multiply-add. numpy has none, so a step is done in float64, where the product of an
8-bit value and a 24-bit weight is exact, and then rounded to float32 once.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BAND = 32  # output rows at a time: their intermediate values stay in the CPU's cache


class BilinearResizer:
    """Resizes RGB images of ``height`` x ``width`` to ``size`` x ``size``, aspect not kept."""

    def __init__(self, height: int, width: int, size: int) -> None:
        self._size = size
        self._top, self._bottom, upper, lower = _axis(height, size)
        self._upper_weight, self._lower_weight = upper[:, None], lower[:, None]
        left, right, left_weight, right_weight = _axis(width, size)
        channel = np.arange(3)
        self._left = (left[:, None] * 3 + channel).ravel()
        self._right = (right[:, None] * 3 + channel).ravel()
        self._left_weight = np.repeat(left_weight, 3)
        self._right_weight = np.repeat(right_weight, 3)

    def __call__(self, image: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        """Writes ``image`` [height, width, 3], resized, to ``out`` [size, size, 3]."""
        rows = image.reshape(len(image), -1)
        resized = out.reshape(self._size, -1)
        for first in range(0, self._size, _BAND):
            band = slice(first, first + _BAND)
            # Values lie within 0 to 255, being weighted means, so the cast needs no clipping.
            resized[band] = np.rint(self._interpolate(rows, band))

    def _interpolate(self, rows: NDArray[np.uint8], band: slice) -> NDArray[np.float32]:
        top, bottom = rows[self._top[band]], rows[self._bottom[band]]
        upper, lower = self._upper_weight[band], self._lower_weight[band]
        value: NDArray[np.float32] = top.take(self._right, axis=1) * (upper * self._right_weight)
        for pixels, weight in (
            (top.take(self._left, axis=1), upper * self._left_weight),
            (bottom.take(self._left, axis=1), lower * self._left_weight),
            (bottom.take(self._right, axis=1), lower * self._right_weight),
        ):
            exact = np.multiply(pixels, weight, dtype=np.float64)
            exact += value
            value = exact.astype(np.float32)
        return value


@lru_cache(maxsize=8)
def resizer(height: int, width: int, size: int) -> BilinearResizer:
    """A resizer for these sizes, made once."""
    return BilinearResizer(height, width, size)


def _axis(
    length: int, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]:
    """For each output place: its two input places, and the weight of each."""
    scale = np.float64(np.float32(length) / np.float32(size))
    place = (scale * (np.arange(size) + 0.5) - 0.5).astype(np.float32).clip(0, None)
    first = place.astype(np.intp)
    second = np.minimum(first + 1, length - 1)
    weight = place - first.astype(np.float32)
    return first, second, np.float32(1) - weight, weight
