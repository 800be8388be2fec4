"""Points against regions, frame by frame."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

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


def hits(places: Sequence[Place], regions: Sequence[Region], aspect: float = 1.0) -> int:
    """How many points lie in their region, of pairs whose distances together are the least.

    ``aspect``: the frame's width over its height; distances are those of pixels.
    """
    if not places or not regions:
        return 0
    pixels = np.array([aspect, 1.0])
    centers = np.array([region.center for region in regions])
    apart = cdist(np.array(places) * pixels, centers * pixels)
    rows, columns = linear_sum_assignment(apart)
    return sum(regions[j].contains(places[i]) for i, j in zip(rows, columns, strict=True))


def score_frames(
    answered: Mapping[int, Sequence[Place]],
    truth: Mapping[int, Sequence[Region]],
    aspect: float = 1.0,
) -> Rates:
    """The means over the frames of one video that have points or regions; 1 if none has."""
    frames = {number for number, found in (*answered.items(), *truth.items()) if found}
    rates = []
    for frame in frames:
        places, regions = answered.get(frame, ()), truth.get(frame, ())
        rates.append(Rates.of(hits(places, regions, aspect), len(places), len(regions)))
    return mean_rates(rates) or Rates(1.0, 1.0, 1.0)
