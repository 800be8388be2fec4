"""How well tracks keep to their objects: HOTA, for points that either hit or do not.

``detection`` is hits over hits, misses and false points. ``association`` is, for each hit, over how
many positions its track and its object agree, of all that either has; the mean over hits. ``hota``
is the root of their product (Luiten et al., 2021). Where similarity is 0 or 1, all thresholds are
the same.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from molmo2_client.fiftyone.scoring.hits import hits
from molmo2_client.fiftyone.scoring.regions import Place, Region

Tracks = Mapping[int, Mapping[str, Place]]
"""By frame and identity."""

Objects = Mapping[int, Mapping[str, Region]]


@dataclass(frozen=True)
class Hota:
    """From 0 to 1."""

    hota: float
    detection: float
    association: float


def score_tracks(answered: Tracks, truth: Objects) -> Hota:
    """Of one video; 1 where nothing was expected and nothing answered."""
    tracks = Counter(name for places in answered.values() for name in places)
    objects = Counter(name for regions in truth.values() for name in regions)
    if not tracks and not objects:
        return Hota(1.0, 1.0, 1.0)
    together: Counter[tuple[str, str]] = Counter()
    for frame, regions in truth.items():
        places = answered.get(frame, {})
        names, identities = list(places), list(regions)
        for i, j in hits(list(places.values()), list(regions.values())):
            together[names[i], identities[j]] += 1
    found = together.total()
    if not found:
        return Hota(0.0, 0.0, 0.0)
    detection = found / (tracks.total() + objects.total() - found)
    association = (
        sum(
            count * count / (tracks[name] + objects[identity] - count)
            for (name, identity), count in together.items()
        )
        / found
    )
    return Hota(math.sqrt(detection * association), detection, association)
