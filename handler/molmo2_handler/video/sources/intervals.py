"""Which bytes of a file are there."""

from bisect import bisect_right


class Intervals:
    """Half-open intervals that neither overlap nor touch, in ascending order."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        first = bisect_right(self._ends, start - 1)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def until(self, offset: int) -> int:
        """The end of what is there from ``offset`` on; ``offset`` itself if that is nothing."""
        place = bisect_right(self._starts, offset) - 1
        return max(offset, self._ends[place]) if place >= 0 else offset
