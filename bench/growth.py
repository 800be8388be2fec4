"""Whether what was sampled over time grows, or only moves."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations


@dataclass(frozen=True)
class Growth:
    """The slope of a series by Theil and Sen: the median of the slopes of all pairs of points."""

    per_hour: float
    over_all: float
    """The slope times the time that the series covers."""
    median: float
    spread: float
    """Between the quartiles."""

    @classmethod
    def of(cls, times: Sequence[float], values: Sequence[float]) -> "Growth":
        """``times`` are seconds, in their order."""
        pairs = combinations(zip(times, values, strict=True), 2)
        slope = statistics.median((y - x) / (later - first) for (first, x), (later, y) in pairs)
        low, middle, high = statistics.quantiles(values, n=4)
        return cls(3600 * slope, slope * (times[-1] - times[0]), middle, high - low)

    def is_flat(self, slack: float) -> bool:
        """Whether it grew by no more than the values spread, or than ``slack``.

        A series that only moves grows by next to nothing; one that climbs from its first to its
        last value spreads by half of that.
        """
        return self.over_all <= max(self.spread, slack)
