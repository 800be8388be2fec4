"""Points of a pointing answer: each object is to be pointed at once, in a frame that shows it."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from molmo2_client.fiftyone.scoring.hits import Rates
from molmo2_client.fiftyone.scoring.regions import Place, Region


def score_points(
    answered: Sequence[tuple[int, Place]], truth: Mapping[str, Mapping[int, Region]]
) -> Rates:
    """``answered``: frame and place of each; ``truth``: by identity and frame.

    A point hits an object that its frame shows where it is; a point counts for one object and an
    object for one point, in the way that leaves the most hits.
    """
    if not answered or not truth:
        return Rates.of(0, len(answered), len(truth))
    hit = np.array(
        [
            [frame in seen and seen[frame].contains(place) for seen in truth.values()]
            for frame, place in answered
        ]
    )
    rows, columns = linear_sum_assignment(hit, maximize=True)
    return Rates.of(int(hit[rows, columns].sum()), len(answered), len(truth))
