"""Events with a start and an end, from what the model's JSON holds.

An end before its start says nothing certain about either, so such an event is dropped, not turned
round. A missing end is the start. Times outside the video are moved to its nearest sampled time.
Descriptions are kept letter by letter.
"""

from dataclasses import dataclass
from typing import Any

from molmo2_contract.results import Event
from molmo2_handler.answers.losses import Losses
from molmo2_handler.answers.timeline import Timeline
from molmo2_handler.answers.timestamps import parse_seconds
from molmo2_handler.answers.wording import wording

NOT_AN_OBJECT = "not a JSON object"
WITHOUT_START = "without a start that can be read"
WITHOUT_END = "with an end that cannot be read"
REVERSED = "said to end before the start"
WITHOUT_DESCRIPTION = "without a description"


@dataclass(frozen=True)
class EventKeys:
    """Under which keys an event's parts stand."""

    start: str = "start"
    end: str = "end"
    description: str = "description"


def read_events(
    value: Any, timeline: Timeline, losses: Losses, keys: EventKeys = EventKeys()
) -> list[Event]:
    """The events of a list or, alone, of an object; the others go to ``losses``."""
    events = []
    for item in value if isinstance(value, list) else [value]:
        event = _read_event(item, timeline, keys)
        if isinstance(event, Event):
            events.append(event)
        else:
            losses.add(event)
    return events


def _read_event(item: Any, timeline: Timeline, keys: EventKeys) -> Event | str:
    """The event, or why there is none."""
    if not isinstance(item, dict):
        return NOT_AN_OBJECT
    start = parse_seconds(item.get(keys.start))
    if start is None:
        return WITHOUT_START
    end = start if item.get(keys.end) is None else parse_seconds(item[keys.end])
    if end is None:
        return WITHOUT_END
    if end < start:
        return REVERSED
    description = wording(item.get(keys.description))
    if description is None:
        return WITHOUT_DESCRIPTION
    return _place(start, end, description, timeline)


def _place(start: float, end: float, description: str, timeline: Timeline) -> Event:
    start, start_frame = timeline.place(start)
    end, end_frame = timeline.place(end)
    return Event(
        start=start,
        end=end,
        start_frame=start_frame,
        end_frame=end_frame,
        description=description,
    )
