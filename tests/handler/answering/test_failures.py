"""What fails costs as little as it can: its own operation, and the request only where it must."""

import pytest

from molmo2_contract.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ErrorKind,
    VideoForbidden,
)
from molmo2_contract.operations import Describe, Embed, Pointing, Tracking
from molmo2_contract.request import Request
from molmo2_contract.results import FinishReason, Status
from molmo2_contract.video import Video
from molmo2_handler import engine_messages

QUESTION = Describe(prompt="Describe this video in detail.")


def test_an_answer_cut_at_its_token_limit_keeps_what_it_has(answerer, asked):
    short = Tracking(prompt=asked.operations[1].prompt, max_new_tokens=60)
    request = asked.model_copy(update={"operations": [short]})
    (result,) = answerer.respond(request, None, "r").results
    assert (result.status, result.finish_reason) == (Status.PARTIAL, FinishReason.LENGTH)
    assert result.usage.generated_tokens == 60
    assert result.tracks[0].points


def test_a_prompt_that_leaves_no_room_for_an_answer_costs_its_own_operation(answerer, asked):
    long = Pointing(prompt="?! " * 1300)
    request = asked.model_copy(update={"operations": [QUESTION, long]})
    good, bad = answerer.respond(request, None, "r").results
    assert good.status is Status.OK
    assert bad.status is Status.ERROR
    assert bad.error.kind is ErrorKind.INVALID_REQUEST
    assert bad.error.field == "operations[1].prompt"
    assert "1024 tokens (max_context_tokens)" in bad.error.message


def test_a_timeout_that_passes_before_any_answer_fails_the_request(answerer, unseen):
    request = Request(operations=[QUESTION], timeout=1e-6)
    with pytest.raises(DeadlineExceeded, match="raise timeout") as refused:
        answerer.respond(request, unseen.path.read_bytes(), "r")
    assert refused.value.field == "timeout"


def test_what_is_wrong_with_the_video_fails_the_request_before_the_engine_is_asked(answerer):
    request = Request(video=Video(uri="file:///etc/passwd"), operations=[Embed()])
    with pytest.raises(VideoForbidden):
        answerer.respond(request, None, "r")


class Lost:
    """A real engine whose connection breaks after so many results."""

    def __init__(self, engine, results):
        self._engine = engine
        self._results = results

    def answer(self, request, timeout):
        left = self._results
        for event in self._engine.answer(request, timeout):
            if event.WhichOneof("event") in ("finished", "embedded"):
                if not left:
                    raise EngineUnavailable("the engine was lost", retry_after=2)
                left -= 1
            yield event


def test_an_engine_lost_after_a_result_fails_the_other_operations_only(
    engine, make_answerer, asked
):
    response = make_answerer(Lost(engine, results=2)).respond(asked, None, "r")
    failed = [result for result in response.results if result.status is Status.ERROR]
    assert len(failed) == 4
    assert {result.error.kind for result in failed} == {ErrorKind.ENGINE_UNAVAILABLE}
    assert {result.error.retry_after for result in failed} == {2}
    assert [r.operation for r in response.results] == [o.operation for o in asked.operations]


def test_an_engine_lost_before_any_result_fails_the_request(engine, make_answerer, asked):
    with pytest.raises(EngineUnavailable):
        make_answerer(Lost(engine, results=0)).respond(asked, None, "r")


def test_an_answer_that_cannot_be_read_hides_no_other(answerer, asked, monkeypatch, caplog):
    read_answer = engine_messages.read_answer

    def break_on_tracking(operation, *rest):
        if isinstance(operation, Tracking):
            raise ZeroDivisionError("a defect")
        return read_answer(operation, *rest)

    monkeypatch.setattr(engine_messages, "read_answer", break_on_tracking)
    pointing, tracking, *others = answerer.respond(asked, None, "r").results
    assert tracking.status is Status.ERROR
    assert tracking.error.kind is ErrorKind.INTERNAL
    assert "ZeroDivisionError: a defect" in tracking.error.message
    assert "an answer to tracking could not be read" in caplog.text
    assert {result.status for result in (pointing, *others)} == {Status.OK}
