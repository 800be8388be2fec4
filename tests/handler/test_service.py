"""The handler as TorchServe's worker calls it, with a real engine: it answers, and never raises."""

import io
import json
import logging

import pytest
from PIL import Image

from molmo2_contract.errors import ErrorKind
from molmo2_contract.events import EVENT, Done, Failed, OperationDone, Progress
from molmo2_contract.images import ImagesResponse
from molmo2_contract.operations import OPERATION_NAMES
from molmo2_contract.response import ErrorResponse, Response, ServerInfo
from molmo2_handler.answering import Answerer

JSON = "application/json"
HTTP = {"explain": "False"}
OPERATIONS = [
    {"operation": "pointing", "prompt": "orange circle"},
    {"operation": "embed"},
]


@pytest.fixture
def ask(handler, front_end):
    """What comes back for a document, over HTTP or gRPC."""

    def ask(document, transport="http", **inputs):
        sent = document if isinstance(document, bytes) else json.dumps(document).encode()
        parts = [("request", sent, ""), *((name, inputs[name], "") for name in inputs)]
        if transport == "http" and not inputs:
            parts = [("body", sent, JSON)]
        return list(front_end.ask(handler.handle, parts, HTTP if transport == "http" else {}))

    return ask


@pytest.fixture(params=["http", "grpc"])
def transport(request):
    return request.param


@pytest.fixture
def document(video):
    return {"video": {"uri": video.path.as_uri()}, "operations": OPERATIONS, "timeout": 60}


def error_of(replies):
    (reply,) = replies
    return ErrorResponse.model_validate_json(reply.body)


def test_it_says_what_it_serves_and_its_limits(ask, transport):
    (reply,) = ask({"info": True}, transport)
    info = ServerInfo.model_validate_json(reply.body)
    assert info.model.model_dump() == {
        "name": "molmo2-demo",
        "version": "1.0",
        "checkpoint": "checkpoint",
        "revision": None,
    }
    assert info.operations == list(OPERATION_NAMES)
    assert info.limits.model_dump() == {
        "max_request_bytes": 2**20,
        "max_video_bytes": 512 * 2**20,
        "max_timeout": 600.0,
        "max_video_tokens": 1024,
        "max_context_tokens": 1024,
        "max_concurrent_sequences": 6,
    }
    assert info.embedding_dimension == 256


def test_a_video_named_or_sent_gets_the_same_answers(ask, transport, document, video):
    (by_path,) = ask(document, transport)
    (by_bytes,) = ask({**document, "video": {}}, transport, video=video.path.read_bytes())
    first, second = (Response.model_validate_json(r.body) for r in (by_path, by_bytes))
    assert by_path.status == by_bytes.status == 200
    assert first.results[0].points == second.results[0].points != []
    assert first.results[1].embedding == pytest.approx(second.results[1].embedding)
    assert first.video == second.video


def test_a_stream_ends_with_what_a_plain_answer_has_beside_its_results(ask, transport, document):
    call = {} if transport == "http" else {"call": b"stream"}
    replies = ask({**document, "stream": True}, transport, **call)
    events = [EVENT.validate_json(reply.body.removeprefix(b"data: ")) for reply in replies]
    assert [type(event) for event in events if not isinstance(event, Progress)] == [
        OperationDone,
        OperationDone,
        Done,
    ]
    (plain,) = ask(document, transport)
    response = Response.model_validate_json(plain.body)
    assert events[-1].video == response.video
    assert events[-1].model == response.model
    assert [reply.headers["ts_stream_next"] for reply in replies[-2:]] == ["true", "false"]


def test_a_request_goes_by_its_own_name_or_by_torchserves(ask, document):
    (given,) = ask(document)
    (own,) = ask({**document, "request_id": "mine"})
    assert Response.model_validate_json(given.body).request_id == "request-1"
    assert Response.model_validate_json(own.body).request_id == "mine"


BAD = {
    "no JSON": (b"{", ErrorKind.INVALID_REQUEST, None),
    "no object": (b"[1, 2]", ErrorKind.INVALID_REQUEST, None),
    "no operations": ({"operations": []}, ErrorKind.INVALID_REQUEST, "operations"),
    "no video": ({"operations": OPERATIONS}, ErrorKind.INVALID_REQUEST, "video"),
    "too long a timeout": (
        {"operations": OPERATIONS, "timeout": 601},
        ErrorKind.INVALID_REQUEST,
        "timeout",
    ),
    "another folder": (
        {"operations": OPERATIONS, "video": {"uri": "file:///etc/passwd"}},
        ErrorKind.VIDEO_FORBIDDEN,
        "video.uri",
    ),
    "too much": ({"operations": [], "x": "x" * 2**20}, ErrorKind.TOO_LARGE, "request"),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_request_gets_its_own_kind_of_error(ask, transport, fault):
    document, kind, field = BAD[fault]
    error = error_of(ask(document, transport))
    assert (error.error.kind, error.error.field) == (kind, field)
    assert error.request_id == "request-1"


def test_bytes_that_are_no_video_are_unreadable(ask, transport):
    error = error_of(ask({"operations": OPERATIONS}, transport, video=b"not a video"))
    assert error.error.kind is ErrorKind.VIDEO_UNREADABLE


def test_an_error_of_a_request_with_a_name_carries_it(ask):
    document = {"operations": OPERATIONS, "request_id": "mine"}
    assert error_of(ask(document)).request_id == "mine"


def test_a_refused_grpc_stream_is_answered_as_a_stream(ask):
    (reply,) = ask({"operations": [], "stream": True}, "grpc", call=b"stream")
    assert reply.headers["ts_stream_next"] == "false"
    failed = EVENT.validate_json(reply.body)
    assert isinstance(failed, Failed)
    assert failed.error.kind is ErrorKind.INVALID_REQUEST


def test_a_unary_grpc_call_never_gets_a_stream(ask, document):
    error = error_of(ask({**document, "stream": True}, "grpc"))
    assert (error.error.kind, error.error.field) == (ErrorKind.INVALID_REQUEST, "stream")


def test_a_defect_of_the_server_is_an_internal_error_that_tells_no_secrets(
    ask, transport, document, monkeypatch, caplog
):
    def fail(*_):
        raise RuntimeError("the password is 1234")

    monkeypatch.setattr(Answerer, "respond", fail)
    (reply,) = ask(document, transport)
    error = ErrorResponse.model_validate_json(reply.body).error
    assert error.kind is ErrorKind.INTERNAL
    assert error.message == "the server failed on this request: RuntimeError"
    assert "the password is 1234" in caplog.text


def test_a_defect_in_the_middle_of_a_stream_is_its_last_event(ask, document, monkeypatch):
    events = Answerer.events

    def fail_late(self, *request):
        yield next(events(self, *request))
        raise RuntimeError("a defect")

    monkeypatch.setattr(Answerer, "events", fail_late)
    first, last = ask({**document, "stream": True})
    assert isinstance(EVENT.validate_json(first.body.removeprefix(b"data: ")), OperationDone)
    failed = EVENT.validate_json(last.body.removeprefix(b"data: "))
    assert isinstance(failed, Failed)
    assert failed.error.kind is ErrorKind.INTERNAL
    assert last.headers["ts_stream_next"] == "false"


def test_images_come_as_parts_of_their_own(ask, transport):
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    document = {"images": [], "operations": [{"operation": "embed"}], "timeout": 60}
    (reply,) = ask(document, transport, image_1=file.getvalue(), image_2=file.getvalue())
    response = ImagesResponse.model_validate_json(reply.body)
    assert [(image.width, image.height) for image in response.images] == [(40, 30)] * 2
    assert len(response.results[0].embedding) == 256


def test_a_gap_between_the_images_is_named(ask, transport):
    document = {"images": [], "operations": [{"operation": "embed"}]}
    error = error_of(ask(document, transport, image_1=b"x", image_3=b"x")).error
    assert error.field == "images"
    assert "image_2" in error.message


def test_images_are_not_streamed(ask):
    document = {"images": [], "operations": [{"operation": "embed"}]}
    (reply,) = ask(document, "grpc", image_1=b"x", call=b"stream")
    assert b'"stream"' in reply.body


@pytest.mark.parametrize("wanted", [False, True])
def test_what_is_asked_is_logged_only_where_the_operator_wants_it(
    handler, ask, document, monkeypatch, caplog, wanted
):
    caplog.set_level(logging.INFO)
    settings = handler._settings.model_copy(update={"log_questions": wanted})
    monkeypatch.setattr(handler, "_settings", settings)
    prompt = "the prompt that few should read"
    ask({**document, "operations": [{"operation": "describe", "prompt": prompt}]})
    told = [prompt in caplog.text, document["video"]["uri"] in caplog.text]
    assert told == [wanted, wanted]


@pytest.mark.parametrize("call", ["plain", "stream", "images"])
def test_a_request_whose_operations_all_failed_is_not_logged_as_ok(ask, document, caplog, call):
    caplog.set_level(logging.INFO)
    endless = {"operation": "describe", "prompt": "endlessly " * 300}  # leaves no room to answer
    document = {**document, "operations": [endless], "stream": call == "stream"}
    if call == "images":
        file = io.BytesIO()
        Image.new("RGB", (40, 30), "red").save(file, "PNG")
        ask({"images": [], "operations": [endless], "timeout": 60}, image_1=file.getvalue())
    else:
        ask(document)
    (line,) = (json.loads(r.getMessage()) for r in caplog.records if "outcome" in r.getMessage())
    assert (line["outcome"], line["failed"]) == ("invalid_request", 1)
