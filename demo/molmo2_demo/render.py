"""Draws the frames of a scene."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from molmo2_demo.scene import COLORS, Scene, Shape

_Array = NDArray[np.floating[Any]]

_REACH = 1.2
"""How far a shape's outline and its soft edge reach from its centre, in radii."""

EDGE = 1.8
"""Steepness of an edge: about two pixels from inside to outside."""

HALF_SQUARE = 0.88
TRIANGLE_BASE = 0.9
TRIANGLE_SLOPE = 0.9
"""Outlines, in radii."""


def render_frame(scene: Scene, time: float, width: int, height: int) -> NDArray[np.uint8]:
    """The scene at ``time`` (seconds) as RGB, of shape ``[height, width, 3]``.

    Shapes keep their form and their share of the area, whatever the aspect ratio.
    """
    frame = np.empty((height, width, 3), np.float32)
    frame[:] = scene.background
    for shape in scene.shapes:
        if shape.visible(time):
            _draw(frame, shape, time)
    return frame.round().astype(np.uint8)


def _draw(frame: _Array, shape: Shape, time: float) -> None:
    height, width = frame.shape[:2]
    radius = shape.radius * math.sqrt(width * height)
    center = shape.center(time)
    column, row = center[0] * width, center[1] * height
    rows = _span(row, radius, height)
    columns = _span(column, radius, width)
    right = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5 - column) / radius
    down = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5 - row) / radius
    inside = _inside(shape.form, right[None, :], down[:, None])
    cover = (0.5 + 0.5 * np.tanh(0.5 * EDGE * radius * inside))[..., None]
    area = frame[rows, columns]
    area += cover * (np.array(COLORS[shape.color], np.float32) - area)


def _span(middle: float, radius: float, size: int) -> slice:
    """The pixels of one axis that a shape can touch."""
    reach = _REACH * radius + 2
    return slice(max(0, math.floor(middle - reach)), min(size, math.ceil(middle + reach)))


def _inside(form: str, right: _Array, down: _Array) -> _Array:
    """How far inside the outline each place is, in radii; negative outside."""
    match form:
        case "circle":
            return 1 - np.hypot(right, down)
        case "square":
            return HALF_SQUARE - np.maximum(np.abs(right), np.abs(down))
        case "triangle":
            return np.minimum(TRIANGLE_BASE - down, (down + 1) / 2 - TRIANGLE_SLOPE * np.abs(right))
        case _:
            raise ValueError(f"no such form: {form!r}")
