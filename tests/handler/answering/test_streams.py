"""Answers as events: progress, results as they come, and the end."""

import pytest

from molmo2_contract.events import Done, OperationDone, Progress
from molmo2_contract.results import Status
from molmo2_handler import answering


@pytest.fixture
def streamed(asked):
    return asked.model_copy(update={"stream": True})


def test_a_stream_tells_progress_then_each_result_then_that_it_is_done(answerer, streamed):
    events = list(answerer.events(streamed, None, "r"))
    assert isinstance(events[-1], Done)
    results = [event.index for event in events if isinstance(event, OperationDone)]
    assert sorted(results) == list(range(6))
    for index, operation in enumerate(streamed.operations):
        own = [event for event in events[:-1] if event.index == index]
        assert [type(event) for event in own] == [Progress] * (len(own) - 1) + [OperationDone]
        tokens = [event.generated_tokens for event in own[:-1]]
        assert tokens == sorted(set(tokens))
        assert operation.operation != "embed" or not tokens


def test_what_progress_reports_is_in_the_result(answerer, streamed):
    events = list(answerer.events(streamed, None, "r"))
    own = [event for event in events[:-1] if event.index == 1]
    reported = [point for event in own[:-1] for point in event.points]
    tracking = own[-1].result
    assert reported
    assert [(point.frame, point.x, point.y) for point in reported] == [
        (point.frame, point.x, point.y) for point in tracking.tracks[0].points[: len(reported)]
    ]


def test_without_a_stream_there_is_no_progress(answerer, asked):
    events = list(answerer.events(asked, None, "r"))
    assert [type(event) for event in events] == [OperationDone] * 6 + [Done]


def test_progress_that_cannot_be_read_ends_nothing(answerer, streamed, monkeypatch, caplog):
    def break_down(self, text):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(answering.ProgressReader, "feed", break_down)
    *others, done = answerer.events(streamed, None, "r")
    assert isinstance(done, Done)
    results = [event.result for event in others if isinstance(event, OperationDone)]
    assert {result.status for result in results} == {Status.OK}
    assert not any(event.points for event in others if isinstance(event, Progress))
    assert "the progress of tracking could not be read" in caplog.text


def test_a_stream_that_is_closed_costs_nobody_else_anything(answerer, streamed, asked):
    events = answerer.events(streamed, None, "r")
    next(events)
    events.close()
    assert answerer.respond(asked, None, "r").results[0].status is Status.OK
