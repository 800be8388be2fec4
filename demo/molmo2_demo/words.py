"""Events and descriptions against the truth."""

from collections.abc import Sequence

from molmo2_contract.results import Event
from molmo2_demo.scene import COLORS, FORMS, Scene
from molmo2_demo.score import Tally
from molmo2_demo.truth import TrueEvent

LEAST_OVERLAP = 0.5
"""Intersection over union from which an event counts as found."""

_NAMES = tuple(f"{color} {form}" for color in COLORS for form in FORMS)


def score_events(events: Sequence[Event], truth: Sequence[TrueEvent]) -> Tally:
    """An event is hit by an answer that names its shape and overlaps it; each counts once."""
    free, hits = list(events), 0
    for true in truth:
        match = next((event for event in free if _is_hit(event, true)), None)
        if match is not None:
            free.remove(match)
            hits += 1
    return Tally(hits, len(truth), len(events), max(len(truth), len(events)))


def names_every_shape(text: str, scene: Scene) -> bool:
    """Whether a description names the scene's shapes with their colours, and no others."""
    named = {name for name in _NAMES if name in text.lower()}
    return named == {shape.name for shape in scene.shapes}


def _is_hit(event: Event, true: TrueEvent) -> bool:
    shared = min(event.end, true.end) - max(event.start, true.start)
    whole = (event.end - event.start) + (true.end - true.start) - shared
    name = next(name for name in _NAMES if true.description.startswith(name))
    return shared > 0 and shared >= LEAST_OVERLAP * whole and name in event.description.lower()
