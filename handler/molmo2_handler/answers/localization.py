"""Reads the answer to ``temporal_localization``."""

from typing import Any

from molmo2_contract.results import TemporalLocalizationResult
from molmo2_handler.answers.events import read_events
from molmo2_handler.answers.json_answer import JsonValue, find_json
from molmo2_handler.answers.losses import Losses
from molmo2_handler.answers.phrases import says_nothing_there
from molmo2_handler.answers.timeline import Timeline
from molmo2_handler.answers.verdict import Findings, judge


def read_temporal_localization(
    text: str, truncated: bool, timeline: Timeline
) -> TemporalLocalizationResult:
    """The events of every object in the answer: one after the other, in an array, or under
    ``events``. The prompt shows a single object, so the model writes all of these."""
    values = find_json(text)
    losses = Losses("events")
    events = read_events([item for value in values for item in _items(value)], timeline, losses)
    findings = Findings(
        expected="events",
        found=bool(events),
        nothing_there=bool(values) or says_nothing_there(text),
        complete=all(value.complete for value in values),
        losses=losses.sentences(kept=len(events)),
    )
    verdict = judge(text, truncated, findings)
    return TemporalLocalizationResult(
        status=verdict.status,
        reason=verdict.reason,
        text=text,
        finish_reason=verdict.finish_reason,
        events=events,
    )


def _items(value: JsonValue) -> list[Any]:
    """An object that breaks off is no event, though the list in it may hold whole ones."""
    is_event = isinstance(value.value, dict) and "events" not in value.value
    return [] if is_event and not value.complete else _flat(value.value)


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [inner for item in value for inner in _flat(item)]
    if isinstance(value, dict) and "events" in value:
        return _flat(value["events"])
    return [value]
