"""Positions for the frames between the sampled ones, so that the App shows points in all of them.

A position is given to a frame only where the object was seen in both sampled frames around it: none
before it is first seen, none after it is last seen, and none next to a sampled frame in which it is
missing, where it may be hidden.

Points have no identity beyond their label. A label with one point in each of two neighbouring
sampled frames is one object; as many points in both are the same objects, and which became which is
not known, so that they are held even where ``linear`` was asked; any other number is left alone.

Places and times between are in proportion to the frames between. Where the frame rate varies that
is an approximation; sampled frames are exact in any case.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal, TypeVar

from molmo2_contract.results import Point, Position

Densify = Literal["none", "hold", "linear"]
"""Whether frames between sampled ones get labels: none, the last position seen, or one between."""

WAYS: tuple[Densify, ...] = ("none", "hold", "linear")

PositionT = TypeVar("PositionT", bound=Position)


def between_positions(
    positions: Iterable[PositionT], sampled: Sequence[int], densify: Densify
) -> Iterator[PositionT]:
    """The positions of one object between ``sampled`` frame numbers, those given left out."""
    seen = {position.frame: position for position in reversed(list(positions))}
    for earlier, later in _neighbours(sampled, densify):
        if earlier in seen and later in seen:
            yield from _between(seen[earlier], seen[later], densify)


def between_points(
    points: Iterable[Point], sampled: Sequence[int], densify: Densify
) -> Iterator[Point]:
    """The points between ``sampled`` frame numbers, those given left out."""
    seen: dict[tuple[str, int], list[Point]] = {}
    for point in points:
        seen.setdefault((point.label, point.frame), []).append(point)
    labels = dict.fromkeys(label for label, _ in seen)
    for earlier, later in _neighbours(sampled, densify):
        for label in labels:
            before, after = seen.get((label, earlier), []), seen.get((label, later), [])
            if len(before) == len(after):
                way = densify if len(before) == 1 else "hold"
                for one, other in zip(before, after, strict=True):
                    yield from _between(one, other, way)


def _neighbours(sampled: Sequence[int], densify: Densify) -> Iterator[tuple[int, int]]:
    return pairwise(sorted(set(sampled)) if densify != "none" else ())


def _between(earlier: PositionT, later: PositionT, densify: Densify) -> Iterator[PositionT]:
    for frame in range(earlier.frame + 1, later.frame):
        share = (frame - earlier.frame) / (later.frame - earlier.frame)
        moved = share if densify == "linear" else 0.0
        yield earlier.model_copy(
            update={
                "frame": frame,
                "time": earlier.time + share * (later.time - earlier.time),
                "x": earlier.x + moved * (later.x - earlier.x),
                "y": earlier.y + moved * (later.y - earlier.y),
            }
        )
