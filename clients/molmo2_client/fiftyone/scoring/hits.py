"""Points against regions, frame by frame."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from molmo2_client.fiftyone.scoring.regions import Place, Region


@dataclass(frozen=True)
class Rates:
    """From 0 to 1."""

    precision: float
    recall: float
    f1: float

    @classmethod
    def of(cls, hits: int, answered: int, expected: int) -> "Rates":
        """Of counts; nothing answered where nothing was expected is right."""
        if not answered or not expected:
            right = float(answered == expected)
            return cls(right, right, right)
        precision, recall = hits / answered, hits / expected
        return cls(precision, recall, 2 * hits / (answered + expected))


def mean_rates(rates: Iterable[Rates]) -> Rates | None:
    """Of frames, or of videos; None of none."""
    table = [(rate.precision, rate.recall, rate.f1) for rate in rates]
    return Rates(*(float(column) for column in np.mean(table, axis=0))) if table else None


def pair(places: Sequence[Place], regions: Sequence[Region]) -> list[tuple[int, int]]:
    """Which point is to hit which region: all distances together are the least."""
    if not places or not regions:
        return []
    centers = np.array([region.center for region in regions])
    apart = np.linalg.norm(np.array(places)[:, None] - centers[None], axis=2)
    rows, columns = linear_sum_assignment(apart)
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]


def hits(places: Sequence[Place], regions: Sequence[Region]) -> list[tuple[int, int]]:
    """The pairs whose point lies in its region."""
    return [(i, j) for i, j in pair(places, regions) if regions[j].contains(places[i])]


def score_frames(
    answered: Mapping[int, Sequence[Place]], truth: Mapping[int, Sequence[Region]]
) -> Rates:
    """The means over the frames of one video that have points or regions; 1 if none has."""
    frames = {number for number, found in (*answered.items(), *truth.items()) if found}
    rates = []
    for frame in frames:
        places, regions = answered.get(frame, ()), truth.get(frame, ())
        rates.append(Rates.of(len(hits(places, regions)), len(places), len(regions)))
    return mean_rates(rates) or Rates(1.0, 1.0, 1.0)
