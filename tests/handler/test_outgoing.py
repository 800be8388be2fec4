"""Replies as TorchServe really sends them to its front end, plain and streamed."""

import threading

import pytest

from molmo2_contract.errors import ErrorKind, Overloaded, VideoNotFound, from_wire
from molmo2_contract.events import EVENT, Failed, Progress
from molmo2_contract.response import ErrorResponse
from molmo2_handler.outgoing import Outgoing

PARTS = [("request", b"{}", "")]
EVENTS = [Progress(index=0, generated_tokens=tokens) for tokens in (16, 32, 48)]
NOT_FOUND = VideoNotFound("file:///a.mp4 does not exist", field="video.uri")


@pytest.fixture
def replies(front_end):
    """What the front end reads when a worker answers with an ``Outgoing``."""

    def answer(over_http, handle):
        def entry_point(data, context):
            return handle(Outgoing(context, over_http=over_http))

        return list(front_end.ask(entry_point, PARTS))

    return answer


@pytest.fixture(params=[True, False], ids=["http", "grpc"])
def over_http(request):
    return request.param


def stream(outgoing):
    for event in EVENTS[:-1]:
        outgoing.send(event)
    return outgoing.last(EVENTS[-1])


def test_a_plain_reply_is_json_with_its_type(replies, over_http):
    (reply,) = replies(over_http, lambda outgoing: outgoing.plain(EVENTS[0]))
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert EVENT.validate_json(reply.body) == EVENTS[0]


def test_a_plain_reply_ends_a_stream_over_grpc_and_never_mentions_one_over_http(replies):
    def plain(outgoing):
        return outgoing.plain(EVENTS[0])

    (over_grpc,) = replies(False, plain)
    assert over_grpc.headers["ts_stream_next"] == "false"
    (over_http,) = replies(True, plain)
    assert "ts_stream_next" not in over_http.headers


def test_an_event_leaves_while_the_worker_is_still_at_work(front_end):
    arrived = threading.Event()

    def handle(data, context):
        outgoing = Outgoing(context, over_http=True)
        outgoing.send(EVENTS[0])
        assert arrived.wait(timeout=30)
        return outgoing.last(EVENTS[1])

    replies = front_end.ask(handle, PARTS)
    first = next(replies)
    arrived.set()
    assert EVENT.validate_json(first.body.removeprefix(b"data: ")) == EVENTS[0]
    assert len(list(replies)) == 1


def test_the_last_event_ends_the_stream(replies, over_http):
    sent = replies(over_http, stream)
    assert [reply.headers["ts_stream_next"] for reply in sent] == ["true", "true", "false"]
    assert {reply.content_type for reply in sent} == {"text/event-stream"}
    assert {reply.status for reply in sent} == {200}


def test_over_http_an_event_is_a_server_sent_event(replies):
    bodies = [reply.body for reply in replies(True, stream)]
    for body, event in zip(bodies, EVENTS, strict=True):
        assert body.startswith(b"data: ")
        assert body.endswith(b"\n\n")
        assert body.count(b"\n") == 2
        assert EVENT.validate_json(body.removeprefix(b"data: ")) == event


def test_over_grpc_an_event_is_its_json(replies):
    bodies = [reply.body for reply in replies(False, stream)]
    assert [EVENT.validate_json(body) for body in bodies] == EVENTS


def test_an_error_travels_in_the_body_and_over_http_in_the_status_too(replies, over_http):
    (reply,) = replies(
        over_http, lambda outgoing: outgoing.error(NOT_FOUND, "request-1", streaming_call=False)
    )
    assert (reply.status, reply.phrase) == (404, "video_not_found")
    body = ErrorResponse.model_validate_json(reply.body)
    assert body == ErrorResponse(error=NOT_FOUND.to_wire(), request_id="request-1")


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_has_its_status_on_the_wire(replies, kind):
    error = from_wire(Overloaded("why", retry_after=2).to_wire().model_copy(update={"kind": kind}))
    (reply,) = replies(True, lambda outgoing: outgoing.error(error, "r", streaming_call=False))
    assert (reply.status, reply.phrase) == (error.http_status, kind)
    assert ErrorResponse.model_validate_json(reply.body).error.retry_after == 2


def test_an_error_in_the_middle_of_a_stream_is_its_last_event(replies, over_http):
    def fail_late(outgoing):
        outgoing.send(EVENTS[0])
        return outgoing.error(NOT_FOUND, "request-1", streaming_call=not over_http)

    first, last = replies(over_http, fail_late)
    assert (first.headers["ts_stream_next"], last.headers["ts_stream_next"]) == ("true", "false")
    failed = EVENT.validate_json(last.body.removeprefix(b"data: "))
    assert failed == Failed(error=NOT_FOUND.to_wire(), request_id="request-1")


def test_an_error_before_any_event_of_a_grpc_stream_is_its_only_event(replies):
    (reply,) = replies(
        False, lambda outgoing: outgoing.error(NOT_FOUND, "request-1", streaming_call=True)
    )
    assert reply.headers["ts_stream_next"] == "false"
    failed = EVENT.validate_json(reply.body)
    assert failed == Failed(error=NOT_FOUND.to_wire(), request_id="request-1")


def test_an_error_before_any_event_over_http_is_a_plain_error(replies):
    (reply,) = replies(
        True, lambda outgoing: outgoing.error(NOT_FOUND, "request-1", streaming_call=False)
    )
    assert reply.status == 404
    assert reply.content_type == "application/json"
    assert "ts_stream_next" not in reply.headers


def test_a_line_break_in_an_answer_does_not_end_its_event(replies):
    error = VideoNotFound("first\n\nsecond\r\nthird")

    def say(outgoing):
        outgoing.send(Failed(error=error.to_wire()))
        return outgoing.last(EVENTS[0])

    body = replies(True, say)[0].body
    assert body.count(b"\n") == 2
    assert EVENT.validate_json(body.removeprefix(b"data: ")).error.message == error.message
