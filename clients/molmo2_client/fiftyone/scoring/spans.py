"""Events against true ones: spans of time."""

from collections.abc import Sequence

from molmo2_client.fiftyone.scoring.hits import Rates

Span = tuple[float, float]
"""Start and end, in frames or in seconds."""


def overlap(first: Span, second: Span) -> float:
    """Intersection over union, 0 to 1."""
    shared = min(first[1], second[1]) - max(first[0], second[0])
    if shared <= 0:
        return 0.0
    return shared / ((first[1] - first[0]) + (second[1] - second[0]) - shared)


def score_spans(answered: Sequence[Span], truth: Sequence[Span], least: float) -> Rates:
    """A true span is found by the first free answer that overlaps it by ``least`` or more."""
    free = list(answered)
    found = 0
    for true in truth:
        match = next((span for span in free if overlap(true, span) >= least), None)
        if match is not None:
            free.remove(match)
            found += 1
    return Rates.of(found, len(answered), len(truth))
