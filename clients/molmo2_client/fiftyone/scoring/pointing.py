"""Points of a pointing answer: each object is to be pointed at once, in a frame that shows it."""

from collections.abc import Mapping, Sequence

from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from molmo2_client.fiftyone.scoring.hits import Rates
from molmo2_client.fiftyone.scoring.regions import Place, Region


def score_points(
    answered: Sequence[tuple[int, Place]],
    truth: Mapping[str, Mapping[int, Region]],
    frame_count: int,
) -> Rates:
    """``answered``: frame and place of each; ``truth``: by identity and frame.

    Points are paired with objects so that all distances together are the least, over time, width
    and height as fractions of the whole; an object is where the middle one of its frames shows it.
    A pair is a hit where the frame of its point shows the object there.
    """
    if not answered or not truth:
        return Rates.of(0, len(answered), len(truth))
    objects = list(truth.values())
    pointed = [(frame / frame_count, *place) for frame, place in answered]
    apart = cdist(pointed, [_middle(seen, frame_count) for seen in objects])
    hits = 0
    for i, j in zip(*linear_sum_assignment(apart), strict=True):
        frame, place = answered[i]
        hits += frame in objects[j] and objects[j][frame].contains(place)
    return Rates.of(hits, len(answered), len(truth))


def _middle(seen: Mapping[int, Region], frame_count: int) -> tuple[float, float, float]:
    """Where and when an object is in the middle one of its frames."""
    frame = sorted(seen)[len(seen) // 2]
    return (frame / frame_count, *seen[frame].center)
