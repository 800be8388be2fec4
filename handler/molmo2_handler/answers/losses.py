"""What of an answer could not be kept, counted by why."""

from collections import Counter


class Losses:
    """Counts the dropped items of one kind by why they were dropped.

    ``noun`` is the kind in the plural, and a why completes the sentence "2 of 14 points were …".
    """

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._counts: Counter[str] = Counter()

    def add(self, why: str, count: int = 1) -> None:
        self._counts[why] += count

    def sentences(self, kept: int) -> list[str]:
        """One sentence for each why; ``kept`` items of this kind were not dropped."""
        found = kept + self._counts.total()
        return [
            f"{count} of {found} {self._noun} {_was(count)} {why} and {_was(count)} dropped"
            for why, count in self._counts.items()
        ]


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
