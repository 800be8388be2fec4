"""The points of Molmo 1: ``<point x="10.0" y="20.0">`` and ``<points x1="10.0" y1="20.0" …>``.

Coordinates are percentages of the image's width and height. Molmo 1 knew images only, so there is
no time: these points are placed in the first sampled frame.
Source: allenai/molmo, the format of the PixMo-Points data.
"""

import re

from molmo2_handler.answers.coordinates import MALFORMED, Coordinates, SpokenPoint

OUTSIDE_PERCENT = "outside 0..100"

_X_NAME = re.compile(r"x(\d{0,9})", re.ASCII)
_PERCENT = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)


def read_percentages(attributes: dict[str, str]) -> Coordinates:
    """The points of a tag's ``x``, ``y`` or ``x1``, ``y1``, ``x2``, … attributes; ``x`` has id 1.

    An ``x`` whose ``y`` is missing is dropped and counted.
    """
    coordinates = Coordinates()
    for name, x in attributes.items():
        if number := _X_NAME.fullmatch(name):
            point = _read_point(int(number[1] or 1), x, attributes.get(f"y{number[1]}", ""))
            if isinstance(point, SpokenPoint):
                coordinates.points.append(point)
            else:
                coordinates.losses[point] += 1
    return coordinates


def _read_point(number: int, x: str, y: str) -> SpokenPoint | str:
    if not _PERCENT.fullmatch(x.strip()) or not _PERCENT.fullmatch(y.strip()):
        return MALFORMED
    across, down = float(x) / 100, float(y) / 100
    if across > 1 or down > 1:
        return OUTSIDE_PERCENT
    return SpokenPoint(None, number, across, down)
