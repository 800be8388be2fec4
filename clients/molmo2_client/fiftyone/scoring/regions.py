"""What a point has to hit."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9

Place = tuple[float, float]
"""Fractions of the frame's width and height."""


class Region(Protocol):
    """The ground truth of one object in one frame."""

    @property
    def center(self) -> Place: ...

    def contains(self, place: Place) -> bool: ...


@dataclass(frozen=True)
class Box:
    """An ``fo.Detection``: its mask where it has one, else its box."""

    left: float
    top: float
    width: float
    height: float
    mask: NDArray[Any] | None = None
    """Of the box: [rows, columns], true inside."""

    @property
    def center(self) -> Place:
        if self.mask is not None and self.mask.any():
            rows, columns = np.nonzero(self.mask)
            height, width = self.mask.shape
            across, down = (columns.mean() + 0.5) / width, (rows.mean() + 0.5) / height
            return self.left + across * self.width, self.top + down * self.height
        return self.left + self.width / 2, self.top + self.height / 2

    def contains(self, place: Place) -> bool:
        across = (place[0] - self.left) / self.width if self.width else -1.0
        down = (place[1] - self.top) / self.height if self.height else -1.0
        if not (0 <= across <= 1 and 0 <= down <= 1):
            return False
        if self.mask is None:
            return True
        rows, columns = self.mask.shape
        row, column = min(int(down * rows), rows - 1), min(int(across * columns), columns - 1)
        return bool(self.mask[row, column])


@dataclass(frozen=True)
class Spot:
    """An ``fo.Keypoint``: hit within ``reach`` of the frame's width and of its height."""

    x: float
    y: float
    reach: float

    @property
    def center(self) -> Place:
        return self.x, self.y

    def contains(self, place: Place) -> bool:
        furthest = max(abs(place[0] - self.x), abs(place[1] - self.y))
        return furthest <= self.reach + _ROUNDING
