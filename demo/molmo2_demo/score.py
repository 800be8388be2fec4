"""How many points and tracks lie on what they should.

A position is a hit when it lies within 5 % of the frame's width and 5 % of its height of the true
centre, at its own time, of a shape that the prompt names. An answered track (or point) stands for
one shape and a shape for one track, so following two shapes in turn, or one shape twice, counts
once. A rate is hits over what was expected or over what was answered, whichever is more: what is
missing lowers it, and so does what is too much.

* Pointing expects one point for each shape that a sampled frame shows.
* Tracking expects one position for each shape and sampled frame that shows it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from molmo2_demo.truth import TruePosition, TrueTrack

REACH = 0.05
"""Fraction of the frame's width, and of its height."""

TIME_REACH = 0.05
"""Seconds; the model writes times with one decimal."""

_ROUNDING = 1e-9


class Position(Protocol):
    """A place and a time, as the contract's ``Point`` and ``Position`` are."""

    @property
    def time(self) -> float: ...
    @property
    def x(self) -> float: ...
    @property
    def y(self) -> float: ...


@dataclass(frozen=True)
class Tally:
    """Counts of positions; add the tallies of several answers."""

    hits: int = 0
    expected: int = 0
    answered: int = 0
    possible: int = 0
    """What hits are measured against: the sum over answers of the greater of the two."""

    @property
    def rate(self) -> float:
        """From 0 to 1; 1 where nothing was expected and nothing answered."""
        return self.hits / self.possible if self.possible else 1.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.hits + other.hits,
            self.expected + other.expected,
            self.answered + other.answered,
            self.possible + other.possible,
        )


def score_points(points: Sequence[Position], truth: Sequence[TrueTrack]) -> Tally:
    """``points`` of one pointing answer against the shapes that its prompt names."""
    seen = [track for track in truth if track.points]
    return _tally(_hits([[point] for point in points], seen), len(seen), len(points))


def score_tracks(tracks: Sequence[Sequence[Position]], truth: Sequence[TrueTrack]) -> Tally:
    """The positions of each track of one tracking answer against the true tracks."""
    expected = sum(len(track.points) for track in truth)
    return _tally(_hits(tracks, truth), expected, sum(len(track) for track in tracks))


def json_share(texts: Iterable[str]) -> float:
    """The share of ``texts`` that are valid JSON; 1 where there are none."""
    valid = [_is_json(text) for text in texts]
    return sum(valid) / len(valid) if valid else 1.0


def _tally(hits: int, expected: int, answered: int) -> Tally:
    return Tally(hits, expected, answered, max(expected, answered))


def _hits(answers: Sequence[Sequence[Position]], truth: Sequence[TrueTrack]) -> int:
    """Pairs answers with shapes, the best pairs first, and counts the hits of each pair."""
    pairs = [
        (_hits_of_pair(answer, track), row, column)
        for row, answer in enumerate(answers)
        for column, track in enumerate(truth)
    ]
    hits, rows, columns = 0, set[int](), set[int]()
    for count, row, column in sorted(pairs, key=lambda pair: -pair[0]):
        if row not in rows and column not in columns:
            hits += count
            rows.add(row)
            columns.add(column)
    return hits


def _hits_of_pair(answer: Sequence[Position], track: TrueTrack) -> int:
    """How many of the track's true positions the answer hits."""
    return sum(any(_is_hit(position, true) for position in answer) for true in track.points)


def _is_hit(position: Position, true: TruePosition) -> bool:
    return (
        abs(position.time - true.time) <= TIME_REACH + _ROUNDING
        and abs(position.x - true.x) <= REACH + _ROUNDING
        and abs(position.y - true.y) <= REACH + _ROUNDING
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
