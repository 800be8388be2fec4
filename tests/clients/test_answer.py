import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_client import Done, Failed, OperationDone, Progress, ProtocolError, errors
from molmo2_client.answer import only, read_event, read_events, read_info, read_response
from molmo2_contract.errors import Error, ErrorKind
from molmo2_contract.response import ErrorResponse, ModelInfo, RequestTiming, Response
from molmo2_contract.results import DescribeResult, EmbedResult, Status
from molmo2_contract.video import Sampled, VideoInfo

MODEL = ModelInfo(name="m", version="1.0", checkpoint="c")
VIDEO = VideoInfo(
    width=8,
    height=8,
    duration=1,
    frame_rate=2,
    frame_count=2,
    variable_frame_rate=False,
    sampled=Sampled(times=[0], frames=[1]),
)
TIMING = RequestTiming(plan=0, decode=0, engine=0, total=0)
RESULT = DescribeResult(status=Status.OK, text="hello")
PROGRESS = Progress(index=0, generated_tokens=3)
RESULT_EVENT = OperationDone(index=0, result=RESULT)
DONE = Done(model=MODEL, video=VIDEO, timing=TIMING, request_id="r")
FAILED = Failed(error=Error(kind="video_too_long", message="cut it"), request_id="r")


def _response(*results):
    return Response(model=MODEL, video=VIDEO, results=results, timing=TIMING, request_id="r")


def _messages(*events):
    yield from (event.model_dump_json().encode() for event in events)


def test_a_response_is_read():
    assert read_response(_response(RESULT).model_dump_json().encode()) == _response(RESULT)


def test_fields_of_a_newer_server_are_passed_over():
    document = _response(RESULT).model_dump_json().replace('"text"', '"mood":"calm","text"')
    assert read_response(document.encode()) == _response(RESULT)


@pytest.mark.parametrize("kind", ErrorKind)
@pytest.mark.parametrize("read", [read_response, read_info, read_event])
def test_an_error_body_is_raised_as_the_class_of_its_kind(read, kind):
    error = Error(kind=kind, message="why", field="video", retry_after=2)
    with pytest.raises(errors.Molmo2Error, match="why") as raised:
        read(ErrorResponse(error=error, request_id="r").model_dump_json().encode())
    assert type(raised.value).__name__ == kind.title().replace("_", "").replace(
        "Internal", "InternalError"
    )
    assert raised.value.to_wire() == error
    assert raised.value.request_id == "r"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "no JSON object: ''"),
        (b"<html>gateway</html>", "<html>gateway</html>"),
        (b"[1]", "no JSON object"),
        (b"\xff\xfe", "no JSON object"),
        (b"{}", "no response: model: Field required"),
        (b'{"error": "oops"}', "no error: error"),
        (b"[" * 100_000, "no JSON object"),
    ],
)
def test_a_body_that_is_no_answer_is_a_protocol_error_that_shows_it(body, fault):
    with pytest.raises(ProtocolError, match=fault) as raised:
        read_response(body)
    assert len(raised.value.message) < 400


@given(st.binary())
def test_whatever_answers_only_errors_of_the_tree_are_raised(body):
    for read in (read_response, read_info, read_event):
        with pytest.raises(errors.Molmo2Error):
            read(body)


def test_only_gives_the_one_result():
    assert only(_response(RESULT), DescribeResult) == RESULT


def test_only_raises_the_error_of_the_one_result():
    failed = DescribeResult(status="error", error=Error(kind="engine_unavailable", message="away"))
    with pytest.raises(errors.EngineUnavailable, match="away") as raised:
        only(_response(failed), DescribeResult)
    assert raised.value.request_id == "r"


@pytest.mark.parametrize(
    "results", [[], [RESULT, RESULT], [EmbedResult(status="ok", pooling="max")]]
)
def test_only_refuses_other_results_than_the_one_asked_for(results):
    with pytest.raises(ProtocolError, match="DescribeResult was expected"):
        only(_response(*results), DescribeResult)


def test_events_are_read_in_order_and_done_is_last():
    stream = read_events(_messages(PROGRESS, RESULT_EVENT, DONE))
    assert list(stream) == [PROGRESS, RESULT_EVENT, DONE]


def test_done_is_given_when_the_call_itself_has_ended():
    ended = []

    def messages():
        yield from _messages(RESULT_EVENT, DONE)
        ended.append(True)

    events = read_events(messages())
    assert next(events) == RESULT_EVENT
    assert not ended
    assert next(events) == DONE
    assert ended


def test_a_failed_event_raises_after_the_events_before_it():
    events = read_events(_messages(PROGRESS, FAILED))
    assert next(events) == PROGRESS
    with pytest.raises(errors.VideoTooLong, match="cut it") as raised:
        next(events)
    assert raised.value.request_id == "r"


@pytest.mark.parametrize("events", [[], [PROGRESS], [PROGRESS, RESULT_EVENT]])
def test_a_stream_without_its_last_event_is_a_protocol_error(events):
    with pytest.raises(ProtocolError, match="ended before its last event"):
        list(read_events(_messages(*events)))


def test_leaving_events_early_closes_the_messages():
    closed = []

    def messages():
        try:
            yield from _messages(PROGRESS, DONE)
        finally:
            closed.append(True)

    events = read_events(messages())
    next(events)
    events.close()
    assert closed
