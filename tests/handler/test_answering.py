"""Requests answered with a real engine and the demonstration model."""

import pytest

from molmo2_contract.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ErrorKind,
    VideoForbidden,
)
from molmo2_contract.events import Done, OperationDone, Progress
from molmo2_contract.operations import Describe, Embed, Pointing, Tracking
from molmo2_contract.request import Request
from molmo2_contract.response import ModelInfo
from molmo2_contract.results import FinishReason, Status
from molmo2_contract.video import Video
from molmo2_demo.generate import generate
from molmo2_engine.client import MediaNotHeld
from molmo2_handler import answering, engine_messages
from molmo2_handler.answering import Answerer
from molmo2_handler.frame_cache import FrameCache
from molmo2_handler.frame_source import FrameSource
from molmo2_handler.video import OpenVideo, VideoLimits, open_video

MODEL = ModelInfo(name="molmo2-demo", version="1.0", checkpoint="weights")
FRAME_SIZE = 168
QUESTION = Describe(prompt="Describe this video in detail.")


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """One that the engine has not seen, whatever other tests asked it."""
    (rendered,) = generate(tmp_path_factory.mktemp("unseen"), 1, seed=0)
    return rendered


@pytest.fixture(scope="module")
def limits(video):
    return VideoLimits(allowed_roots=(video.path.parent,))


@pytest.fixture(scope="module")
def answerer(engine, limits):
    return Answerer(engine, limits, FRAME_SIZE, MODEL)


@pytest.fixture(scope="module")
def asked(video):
    """All six operations about the rendered video."""
    return Request(
        video=Video(uri=video.path.as_uri()), operations=video.truth.operations, timeout=60
    )


@pytest.fixture(scope="module")
def responses(answerer, asked):
    """The answers to the same request, asked twice."""
    return [answerer.respond(asked, None, request_id) for request_id in ("first", "second")]


def about(content, *operations, **fields):
    """A request about a video sent as bytes; those bytes."""
    return Request(operations=list(operations), timeout=60, **fields), content


def damaged(video):
    """The same video with a hole in the middle of its pictures."""
    content = bytearray(video.path.read_bytes())
    start, end = content.index(b"mdat") + 8, content.index(b"moov")
    hole = slice(start + (end - start) // 5, start + (end - start) * 2 // 5)
    content[hole] = bytes(hole.stop - hole.start)
    return bytes(content)


def test_all_six_operations_are_answered_in_the_order_of_the_request(responses, asked):
    first, _ = responses
    names = [operation.operation for operation in asked.operations]
    assert [result.operation for result in first.results] == names
    assert len(set(names)) == 6
    assert {result.status for result in first.results} <= {Status.OK, Status.EMPTY}
    assert first.model == MODEL
    assert first.request_id == "first"


def test_the_answers_are_about_this_video(responses, video):
    (shape,) = video.truth.tracks
    pointing, tracking, describe, events, analysis, embed = responses[0].results
    assert (pointing.count, pointing.points[0].label) == (1, shape.name)
    assert tracking.tracks[0].label == shape.name
    assert shape.name in describe.text
    assert shape.name in events.events[0].description
    assert analysis.analysis.objects[0].description == shape.name
    assert sum(x * x for x in embed.embedding) == pytest.approx(1, abs=1e-5)


def test_one_prefill_of_the_video_serves_every_operation(responses):
    paying, *others = responses[0].results
    video_tokens = others[-1].usage.prompt_tokens
    assert paying.usage.cached_tokens == 0
    assert [result.usage.cached_tokens for result in others] == [video_tokens] * 5


def test_a_second_request_about_the_video_decodes_and_prefills_nothing(responses):
    first, second = responses
    assert first.timing.decode > 0
    assert second.timing.decode == 0
    cached = {result.usage.cached_tokens for result in second.results}
    assert cached == {first.results[-1].usage.prompt_tokens}


def test_a_second_request_gets_the_same_answers(responses):
    first, second = (
        [result.model_dump(exclude={"usage", "timing"}) for result in response.results]
        for response in responses
    )
    assert first == second
    assert responses[0].video == responses[1].video


def test_the_times_add_up(responses):
    for response in responses:
        timing = response.timing
        assert timing.plan + timing.decode + timing.engine == pytest.approx(timing.total)
        assert timing.plan > 0


def test_the_frames_of_the_response_are_those_that_were_decoded(responses, asked, limits):
    with open_video(asked.video, None, limits) as opened:
        numbers = opened.frames(FRAME_SIZE).numbers
    for response in responses:
        assert response.video.sampled.frames == numbers
        for track in response.results[1].tracks:
            assert {point.frame for point in track.points} <= set(numbers)


def test_frames_that_stand_in_for_damaged_ones_are_named_also_when_they_are_held(
    answerer, video, limits
):
    request, body = about(damaged(video), Tracking(prompt=video.truth.prompt))
    with open_video(request.video, body, limits) as opened:
        planned, numbers = opened.info.sampled.frames, opened.frames(FRAME_SIZE).numbers
    assert numbers != planned
    for _ in range(2):
        response = answerer.respond(request, body, "r")
        assert response.video.sampled.frames == numbers
        (track,) = response.results[0].tracks
        assert {point.frame for point in track.points} <= set(numbers)


def test_a_stream_tells_progress_then_each_result_then_that_it_is_done(answerer, asked):
    events = list(answerer.events(asked.model_copy(update={"stream": True}), None, "r"))
    assert isinstance(events[-1], Done)
    results = [event.index for event in events if isinstance(event, OperationDone)]
    assert sorted(results) == list(range(6))
    for index, operation in enumerate(asked.operations):
        own = [event for event in events[:-1] if event.index == index]
        assert [type(event) for event in own] == [Progress] * (len(own) - 1) + [OperationDone]
        tokens = [event.generated_tokens for event in own[:-1]]
        assert tokens == sorted(set(tokens))
        assert operation.operation != "embed" or not tokens


def test_what_progress_reports_is_in_the_result(answerer, asked):
    events = list(answerer.events(asked.model_copy(update={"stream": True}), None, "r"))
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


def test_a_timeout_that_passes_before_any_answer_fails_the_request(answerer, video):
    request, body = about(video.path.read_bytes(), QUESTION)
    request = request.model_copy(update={"timeout": 1e-6})
    with pytest.raises(DeadlineExceeded, match="raise timeout") as refused:
        answerer.respond(request, body, "r")
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


class Forgetful:
    """A real engine that says of every video that it does not hold it."""

    def __init__(self, engine):
        self._engine = engine

    def answer(self, request, timeout):
        if not request.video.frames:
            raise MediaNotHeld
        return self._engine.answer(request, timeout)


def test_what_an_engine_does_not_hold_is_not_read_again_where_any_worker_decoded_it(
    engine, limits, asked, tmp_path, monkeypatch
):
    caches = [FrameCache(tmp_path / "frames-1", 2**26) for _ in range(2)]
    first, second = (
        Answerer(
            Forgetful(engine), limits, FRAME_SIZE, MODEL, FrameSource(cache.info, cache.frames)
        )
        for cache in caches
    )
    expected = first.respond(asked, None, "r")
    monkeypatch.setattr(OpenVideo, "frames", None)
    monkeypatch.setattr(OpenVideo, "info", None)
    found = second.respond(asked, None, "r")
    assert found.video == expected.video
    assert found.results[1].tracks == expected.results[1].tracks
    for cache in caches:
        cache.close()


def test_an_engine_lost_after_a_result_fails_the_other_operations_only(engine, limits, asked):
    answerer = Answerer(Lost(engine, results=2), limits, FRAME_SIZE, MODEL)
    response = answerer.respond(asked, None, "r")
    failed = [result for result in response.results if result.status is Status.ERROR]
    assert len(failed) == 4
    assert {result.error.kind for result in failed} == {ErrorKind.ENGINE_UNAVAILABLE}
    assert {result.error.retry_after for result in failed} == {2}
    assert [r.operation for r in response.results] == [o.operation for o in asked.operations]


def test_an_engine_lost_before_any_result_fails_the_request(engine, limits, asked):
    answerer = Answerer(Lost(engine, results=0), limits, FRAME_SIZE, MODEL)
    with pytest.raises(EngineUnavailable):
        answerer.respond(asked, None, "r")


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


def test_progress_that_cannot_be_read_ends_nothing(answerer, asked, monkeypatch, caplog):
    def break_down(self, text):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(answering.ProgressReader, "feed", break_down)
    *others, done = answerer.events(asked.model_copy(update={"stream": True}), None, "r")
    assert isinstance(done, Done)
    results = [event.result for event in others if isinstance(event, OperationDone)]
    assert {result.status for result in results} == {Status.OK}
    assert not any(event.points for event in others if isinstance(event, Progress))
    assert "the progress of tracking could not be read" in caplog.text


def test_a_stream_that_is_closed_costs_nobody_else_anything(answerer, asked):
    events = answerer.events(asked.model_copy(update={"stream": True}), None, "r")
    next(events)
    events.close()
    assert answerer.respond(asked, None, "r").results[0].status is Status.OK
