"""How well tracks keep to their objects: HOTA, for points that either hit or do not.

Which track is which object's is decided over the whole video first: the more of their positions
agree, the more a pair is worth. In each frame points are then paired with the objects that they lie
in so that the pairs are worth most (Luiten et al., 2021; ``olmo/eval`` does the same).

``detection`` is hits over hits, misses and false points. ``association`` is, for each hit, over how
many positions its track and its object agree, of all that either has; the mean over hits. ``hota``
is the root of their product. Where similarity is 0 or 1, all thresholds are the same.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from molmo2_client.fiftyone.scoring.regions import Place, Region

Tracks = Mapping[int, Sequence[tuple[str, Place]]]
"""By frame: identities and where they are."""

Objects = Mapping[int, Sequence[tuple[str, Region]]]


@dataclass(frozen=True)
class Hota:
    """From 0 to 1."""

    hota: float
    detection: float
    association: float


@dataclass(frozen=True)
class _Frame:
    """``inside[i, j]`` is 1 where the point of track ``columns[j]`` lies in object ``rows[i]``."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    inside: NDArray[np.float64]

    def agreement(self) -> NDArray[np.float64]:
        """A hit counts less where its point or its object has others: 1 over how many there are."""
        either = self.inside.sum(0)[None] + self.inside.sum(1)[:, None] - self.inside
        agreement: NDArray[np.float64] = self.inside / np.maximum(either, 1)
        return agreement


def score_tracks(answered: Tracks, truth: Objects) -> Hota:
    """Of one video; 1 where nothing was expected and nothing answered."""
    objects, tracks = _positions(truth), _positions(answered)
    if not objects and not tracks:
        return Hota(1.0, 1.0, 1.0)
    frames = _frames(answered, truth, list(objects), list(tracks))
    counts = np.array(list(objects.values()))[:, None] + np.array(list(tracks.values()))[None]
    together = _matches(frames, _alignment(frames, counts))
    found = together.sum()
    if not found:
        return Hota(0.0, 0.0, 0.0)
    detection = float(found / (objects.total() + tracks.total() - found))
    association = float((together**2 / (counts - together)).sum() / found)
    return Hota(math.sqrt(detection * association), detection, association)


def _positions(named: Mapping[int, Sequence[tuple[str, Any]]]) -> Counter[str]:
    """How many positions each identity has."""
    return Counter(name for each in named.values() for name, _ in each)


def _frames(
    answered: Tracks, truth: Objects, objects: list[str], tracks: list[str]
) -> list[_Frame]:
    """The frames with both objects and points."""
    row = {name: number for number, name in enumerate(objects)}
    column = {name: number for number, name in enumerate(tracks)}
    return [
        _Frame(
            np.array([row[name] for name, _ in regions]),
            np.array([column[name] for name, _ in answered[number]]),
            np.array([[float(r.contains(p)) for _, p in answered[number]] for _, r in regions]),
        )
        for number, regions in truth.items()
        if regions and answered.get(number)
    ]


def _alignment(frames: list[_Frame], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """[objects, tracks]: over how much of the video each pair agrees, 0 to 1."""
    agreed = np.zeros(counts.shape)
    for frame in frames:
        np.add.at(agreed, np.ix_(frame.rows, frame.columns), frame.agreement())
    return agreed / (counts - agreed)


def _matches(frames: list[_Frame], alignment: NDArray[np.float64]) -> NDArray[np.float64]:
    """[objects, tracks]: in how many frames a track's point is the object's."""
    together = np.zeros(alignment.shape)
    for frame in frames:
        worth = alignment[np.ix_(frame.rows, frame.columns)] * frame.inside
        i, j = linear_sum_assignment(worth, maximize=True)
        hit = frame.inside[i, j] > 0
        np.add.at(together, (frame.rows[i[hit]], frame.columns[j[hit]]), 1)
    return together
