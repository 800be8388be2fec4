"""The language of a ``coords`` attribute: time steps, and the points of each.

    coords := step (SEPARATOR step)*
    step   := time (id x y)+

``SEPARATOR`` is ``;`` in the released models' html-v2 and a tab in html-v1, their older format.
Commas, line ends and colons are read too, and spaces beside a separator mean nothing. ``time`` is
seconds with one decimal; clock times are read too. ``x`` and ``y`` are thousandths of the frame's
width and height, 000 to 1000.
Source: allenai/molmo2, olmo/preprocessing/point_formatter.py.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

from molmo2_handler.answers.timestamps import parse_seconds

OUTSIDE = "outside 0..1000"
WITHOUT_TIME = "at a time that cannot be read"
MALFORMED = "not written as id, x and y"

_SCALE = 1000
_SEPARATOR = re.compile(r"[;,\t\r\n]")
# A colon in the first word of a step belongs to a clock time; behind a later one it ends the step.
_COLON_SEPARATOR = re.compile(r"(?<=\d)( +\d+):")
_POINT = re.compile(r"(\d{1,9}) (\d{1,9}) (\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SpokenPoint:
    """One point as the model wrote it. ``time`` is in seconds, or None where it wrote none;
    ``x`` and ``y`` are fractions of the frame."""

    time: float | None
    id: int
    x: float
    y: float


@dataclass
class Coordinates:
    """The points of one tag in the order of the text.

    The first ``finished`` of them are of time steps that are known to have ended. ``losses`` counts
    the points that were dropped by why.
    """

    points: list[SpokenPoint] = field(default_factory=list)
    finished: int = 0
    losses: Counter[str] = field(default_factory=Counter)


def read_coordinates(value: str, cut: bool) -> Coordinates:
    """Reads the value of a ``coords`` attribute.

    ``cut`` says that the text ended inside the value. Its last number is then left out unless
    something follows it, since it may be the beginning of a longer one, and the point that it left
    unfinished is no loss.
    """
    coordinates = Coordinates()
    *steps, last = _SEPARATOR.split(_COLON_SEPARATOR.sub(r"\1;", value))
    for step in steps:
        _read_step(step.split(), coordinates)
    coordinates.finished = len(coordinates.points)
    words = last.split()
    if cut:
        _read_step(_whole_points(words, ends_open=not last[-1:].isspace()), coordinates)
    else:
        _read_step(words, coordinates)
        coordinates.finished = len(coordinates.points)
    return coordinates


def _whole_points(words: list[str], ends_open: bool) -> list[str]:
    """``words`` of a step up to its last whole point; the last word may be cut if it is open."""
    count = max(len(words) - ends_open, 0)
    return words[: count - (count - 1) % 3] if count else []


def _read_step(words: list[str], coordinates: Coordinates) -> None:
    if not words:
        return
    time = parse_seconds(words[0])
    if time is None and len(words) == 1:
        coordinates.losses[MALFORMED] += 1
    for start in range(1, len(words), 3):
        point = _read_point(time, " ".join(words[start : start + 3]))
        if isinstance(point, SpokenPoint):
            coordinates.points.append(point)
        else:
            coordinates.losses[point] += 1


def _read_point(time: float | None, written: str) -> SpokenPoint | str:
    """The point, or why there is none."""
    if time is None:
        return WITHOUT_TIME
    numbers = _POINT.fullmatch(written)
    if numbers is None:
        return MALFORMED
    number, x, y = (int(digits) for digits in numbers.groups())
    if x > _SCALE or y > _SCALE:
        return OUTSIDE
    return SpokenPoint(time, number, x / _SCALE, y / _SCALE)
