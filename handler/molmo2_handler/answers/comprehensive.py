"""Reads the answer to ``comprehensive``."""

from typing import Any

from molmo2_contract.results import Activities, Analysis, ComprehensiveResult, Event, SceneInfo
from molmo2_handler.answers.events import EventKeys, read_events
from molmo2_handler.answers.json_answer import JsonValue, find_json
from molmo2_handler.answers.losses import Losses
from molmo2_handler.answers.phrases import says_nothing_there
from molmo2_handler.answers.timeline import Timeline
from molmo2_handler.answers.verdict import Findings, judge
from molmo2_handler.answers.wording import wording, wordings

_EVENT_LISTS = {
    "objects": EventKeys("first_appears", "last_appears", "name"),
    "events": EventKeys("start", "end", "description"),
    "text_content": EventKeys("start", "end", "text"),
}
_FIELDS = Analysis.model_fields.keys()


def read_comprehensive(text: str, truncated: bool, timeline: Timeline) -> ComprehensiveResult:
    """The analysis in the answer: of several objects, the one that holds most of its fields."""
    values = find_json(text)
    chosen = max(_objects(values), key=_known_fields, default=None)
    losses: list[str] = []
    analysis = _read_analysis(chosen, timeline, losses) if chosen else None
    findings = Findings(
        expected="an analysis",
        found=analysis is not None and analysis != Analysis(),
        nothing_there=analysis is not None or says_nothing_there(text),
        complete=all(value.complete for value in values),
        losses=losses,
    )
    verdict = judge(text, truncated, findings)
    return ComprehensiveResult(
        status=verdict.status,
        reason=verdict.reason,
        text=text,
        finish_reason=verdict.finish_reason,
        analysis=analysis,
    )


def _objects(values: list[JsonValue]) -> list[dict[str, Any]]:
    """The objects at the top, also in a list, that hold any field of an analysis."""
    items = [
        item
        for found in values
        for item in (found.value if isinstance(found.value, list) else [found.value])
    ]
    return [item for item in items if isinstance(item, dict) and _known_fields(item)]


def _known_fields(item: dict[str, Any]) -> int:
    return len(_FIELDS & item.keys())


def _read_analysis(found: dict[str, Any], timeline: Timeline, losses: list[str]) -> Analysis:
    lists = {name: _read_events(found, name, timeline, losses) for name in _EVENT_LISTS}
    scene = _object(found, "scene_info", losses)
    activities = _object(found, "activities", losses)
    return Analysis(
        summary=wording(found.get("summary")),
        **lists,
        scene_info=SceneInfo(
            setting=wording(scene.get("setting")),
            time_of_day=wording(scene.get("time_of_day")),
            location_type=wording(scene.get("location_type")),
        ),
        activities=Activities(
            primary_activity=wording(activities.get("primary_activity")),
            secondary_activities=wordings(activities.get("secondary_activities")),
        ),
    )


def _read_events(
    found: dict[str, Any], name: str, timeline: Timeline, losses: list[str]
) -> list[Event]:
    if found.get(name) is None:
        return []
    dropped = Losses(name)
    events = read_events(found[name], timeline, dropped, _EVENT_LISTS[name])
    losses += dropped.sentences(kept=len(events))
    return events


def _object(found: dict[str, Any], name: str, losses: list[str]) -> dict[str, Any]:
    value = found.get(name)
    if isinstance(value, dict):
        return value
    if value is not None:
        losses.append(f"{name} was not a JSON object and was dropped")
    return {}
