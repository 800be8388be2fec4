"""Streamed events: each is known by its name, and survives its JSON."""

from typing import Any

import pytest
from pydantic import ValidationError

from molmo2_contract.errors import Error, ErrorKind
from molmo2_contract.events import (
    EVENT,
    Done,
    Event,
    Failed,
    OperationDone,
    Progress,
    ProgressPoint,
)
from molmo2_contract.operations import Pooling
from molmo2_contract.response import ModelInfo, RequestTiming, Response
from molmo2_contract.results import (
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    FinishReason,
    OperationTiming,
    Point,
    PointingResult,
    Position,
    Result,
    Status,
    TemporalLocalizationResult,
    Track,
    TrackingResult,
    Usage,
)
from molmo2_contract.results import Event as VideoEvent
from molmo2_contract.video import Sampled, VideoInfo

NOSE = Position(time=0.5, frame=16, x=0.25, y=0.417)
WAVE = VideoEvent(start=0, end=1.5, start_frame=1, end_frame=46, description="a wave")
MODEL = ModelInfo(name="molmo2-4b", version="1.0", checkpoint="allenai/Molmo2-4B", revision=None)
VIDEO = VideoInfo(
    width=1280,
    height=720,
    duration=12.5,
    frame_rate=29.97,
    frame_count=375,
    variable_frame_rate=False,
    sampled=Sampled(times=[0.0, 0.5], frames=[1, 16]),
)
TIMING = RequestTiming(plan=0.01, decode=0.2, engine=1.5, total=1.71)
RESULTS: list[Result] = [
    PointingResult(
        status=Status.OK,
        points=[Point(**NOSE.model_dump(), id=1, label="nose")],
        count=1,
        text='<points coords="0.5 1 250 417">nose</points>',
        finish_reason=FinishReason.STOP,
        usage=Usage(prompt_tokens=1873, cached_tokens=1848, generated_tokens=24),
        timing=OperationTiming(queued=0, prefill=0.3, decode=0.5),
    ),
    TrackingResult(
        status=Status.PARTIAL,
        reason="cut off at the token limit",
        tracks=[Track(id=1, label="hand", points=[NOSE])],
        finish_reason=FinishReason.LENGTH,
    ),
    DescribeResult(status=Status.OK, text="A wave."),
    TemporalLocalizationResult(status=Status.EMPTY, events=[]),
    ComprehensiveResult(
        status=Status.OK, analysis=Analysis(summary="A wave breaks.", events=[WAVE])
    ),
    EmbedResult(status=Status.OK, pooling=Pooling.CLS, embedding=[0.6, 0.8]),
    DescribeResult(
        status=Status.ERROR, error=Error(kind=ErrorKind.INTERNAL, message="could not be read")
    ),
]
EVENTS: list[Event] = [
    Progress(index=0, generated_tokens=16, points=[ProgressPoint(**NOSE.model_dump(), id=3)]),
    Progress(index=1, generated_tokens=32),
    *(OperationDone(index=index, result=result) for index, result in enumerate(RESULTS)),
    Done(model=MODEL, video=VIDEO, timing=TIMING, request_id="r"),
    Failed(error=Error(kind=ErrorKind.OVERLOADED, message="busy", retry_after=2)),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_survives_its_json(event: Event) -> None:
    read = EVENT.validate_json(event.model_dump_json())
    assert read == event
    assert type(read) is type(event)


def test_a_response_survives_its_json() -> None:
    response = Response(model=MODEL, video=VIDEO, results=RESULTS, timing=TIMING, request_id="r")
    read = Response.model_validate_json(response.model_dump_json())
    assert read == response
    assert [type(result) for result in read.results] == [type(result) for result in RESULTS]


def test_each_kind_of_event_has_its_name() -> None:
    assert {event.event for event in EVENTS} == {"progress", "result", "done", "error"}


@pytest.mark.parametrize(
    "event",
    [
        {"index": 0, "generated_tokens": 1},
        {"event": "finished", "index": 0},
        {"event": "progress", "index": -1, "generated_tokens": 1},
        {"event": "progress", "index": 0, "generated_tokens": 1, "text": "<points"},
        {"event": "result", "index": 0, "result": {"operation": "paint", "status": "ok"}},
        {"event": "result", "index": 0, "result": {"operation": "describe", "status": "fine"}},
        {"event": "done", "request_id": "r"},
    ],
)
def test_what_the_contract_does_not_know_is_no_event(event: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EVENT.validate_python(event)


@pytest.mark.parametrize("place", [{"x": 1.01}, {"y": -0.01}, {"frame": 0}, {"time": -0.5}])
def test_a_place_lies_in_a_frame_of_the_video(place: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        ProgressPoint.model_validate({**NOSE.model_dump(), "id": 1, **place})
