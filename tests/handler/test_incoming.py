"""Requests as TorchServe really hands them over, whichever way they came."""

import json

import pytest

from molmo2_contract.errors import InvalidRequest, TooLarge
from molmo2_contract.operations import Embed
from molmo2_contract.request import InfoRequest, Request
from molmo2_handler.incoming import Incoming
from molmo2_handler.settings import HandlerSettings

SETTINGS = HandlerSettings(max_request_bytes=1024, max_timeout=60)
DOCUMENT = {"operations": [{"operation": "embed"}], "timeout": 5}
STREAMED = {**DOCUMENT, "stream": True}
JSON = "application/json"
HTTP = {"explain": "False", "url_path": "", "Content-Length": "64"}
"""Headers that TorchServe's HTTP side adds or passes on; its gRPC side has none."""


@pytest.fixture
def received(front_end):
    """What a worker makes of parts (name, bytes, content type) and headers."""

    def receive(parts, headers):
        taken = []

        def handle(data, context):
            taken.append(Incoming.from_torchserve(data[0], context.get_all_request_header(0)))
            return [b""]

        list(front_end.ask(handle, parts, headers))
        return taken[0]

    return receive


@pytest.fixture
def over_http(received):
    return lambda *parts, **headers: received(parts, {**HTTP, **headers})


@pytest.fixture
def over_grpc(received):
    return lambda **inputs: received([(name, inputs[name], "") for name in inputs], {})


def as_json(document):
    return json.dumps(document).encode()


@pytest.mark.parametrize("content_type", [JSON, "text/plain", "application/octet-stream"])
def test_a_body_is_read_whatever_torchserve_makes_of_its_type(over_http, content_type):
    request = over_http(("body", as_json(DOCUMENT), content_type)).read(SETTINGS)
    assert isinstance(request, Request)
    assert request.operations == [Embed()]


@pytest.mark.parametrize("content_type", [JSON, "text/plain", ""])
def test_a_form_brings_a_request_and_a_video(over_http, content_type):
    incoming = over_http(
        ("request", as_json(DOCUMENT), content_type), ("video", b"\0\xff", "video/mp4")
    )
    assert isinstance(incoming.read(SETTINGS), Request)
    assert incoming.video == b"\0\xff"


def test_a_grpc_input_map_brings_a_request_and_a_video(over_grpc):
    incoming = over_grpc(request=as_json(DOCUMENT), video=b"\0\xff")
    assert isinstance(incoming.parts["request"], bytearray)
    assert isinstance(incoming.read(SETTINGS), Request)
    assert incoming.video == b"\0\xff"


def test_without_a_video_part_there_is_none(over_http, over_grpc):
    assert over_http(("body", as_json(DOCUMENT), JSON)).video is None
    assert over_grpc(request=as_json(DOCUMENT)).video is None


def test_a_video_sent_as_text_keeps_its_bytes(over_http):
    video = "a text named mp4, ünd not ASCII".encode()
    assert over_http(("video", video, "text/plain")).video == video
    assert over_http(("video", b"\xff\xfe", "text/plain")).video == b"\xff\xfe"


def test_a_video_sent_as_json_is_refused(over_http):
    incoming = over_http(("request", as_json(DOCUMENT), JSON), ("video", b"{}", JSON))
    with pytest.raises(InvalidRequest, match="application/octet-stream") as refused:
        _ = incoming.video
    assert refused.value.field == "video"


def test_http_and_grpc_are_told_apart(over_http, over_grpc):
    assert over_http(("body", as_json(DOCUMENT), JSON)).over_http
    assert not over_grpc(request=as_json(DOCUMENT)).over_http
    assert not over_grpc(request=as_json(DOCUMENT), explain=b"True").over_http


def test_names_of_headers_are_compared_in_lower_case(received):
    headers = {"Explain": "False", "CONTENT-LENGTH": "64", "content-type": "x"}
    incoming = received([("body", as_json(DOCUMENT), JSON)], headers)
    assert incoming.over_http
    assert incoming.headers == {"explain": "False", "content-length": "64", "content-type": "x"}


def test_a_part_that_is_called_like_a_header_is_none(received):
    incoming = received([("Content-Length", b"9", "")], {"explain": "False"})
    assert incoming.headers == {"explain": "False"}


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b'{"operations": [', JSON, "is not JSON"),
        (b"[1, 2]", JSON, "must be a JSON object"),
        (b"5", JSON, "must be a JSON object"),
        (b"true", JSON, "must be a JSON object"),
        (b'"point"', JSON, "is not JSON"),
        (b"null", JSON, "there is no request: send a JSON body with Content-Type"),
        (b"", JSON, "is not JSON"),
        (b"", "", "is not JSON"),
        (b"[" * 50_000, JSON, "is nested too deeply"),
        (b"\xff\xd8\xff", "image/jpeg", "is not JSON"),
    ],
)
def test_a_body_that_is_no_request_is_refused_with_the_reason(over_http, body, content_type, why):
    incoming = over_http(("body", body, content_type))
    with pytest.raises(InvalidRequest, match=why):
        incoming.read(HandlerSettings())


def test_no_part_with_a_request_is_refused_with_the_remedy(over_http, over_grpc):
    for incoming in (over_http(("video", b"x", "video/mp4")), over_grpc(video=b"x"), over_http()):
        with pytest.raises(InvalidRequest, match=r"'request' \(JSON\) and 'video' \(bytes\)"):
            incoming.read(SETTINGS)


LONG = {"operations": [{"operation": "describe", "prompt": "why? " * 250}]}
LENGTH = {"Content-Length": str(len(as_json(LONG)))}


@pytest.mark.parametrize(
    ("parts", "headers"),
    [
        ([("body", as_json(LONG), JSON)], {**HTTP, **LENGTH}),
        ([("body", as_json(LONG), JSON)], {"explain": "False"}),  # chunked: no length
        ([("body", as_json(LONG), "text/plain")], HTTP),
        ([("request", as_json(LONG), JSON), ("video", b"x", "")], HTTP),
        ([("request", as_json(LONG), ""), ("video", b"x", "")], HTTP),
        ([("request", as_json(LONG), "")], {}),
    ],
)
def test_json_beyond_the_bound_is_refused_whichever_way_it_came(received, parts, headers):
    with pytest.raises(TooLarge, match=r"this server takes 1024 \(max_request_bytes\)") as refused:
        received(parts, headers).read(SETTINGS)
    assert refused.value.field == "request"


@pytest.mark.parametrize("headers", [{**HTTP, "Content-Length": "1000000"}, {}])
@pytest.mark.parametrize("content_type", ["", JSON])
def test_the_bytes_of_a_video_do_not_count_as_json(received, headers, content_type):
    parts = [("request", as_json(DOCUMENT), content_type), ("video", bytes(1_000_000), "")]
    call = {**DOCUMENT, "stream": False}
    assert received(parts, headers).read(SETTINGS) == received(
        [("request", as_json(call), "")], {}
    ).read(SETTINGS)


def test_json_that_torchserve_could_read_and_we_cannot_measure_is_refused():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    incoming = Incoming(parts={"request": deep, "video": b"x"}, headers={"explain": "False"})
    with pytest.raises(InvalidRequest, match="nested too deeply"):
        incoming.read(SETTINGS)


def test_a_stream_over_grpc_wants_the_call_and_the_request_to_agree(over_grpc):
    def read(document, **inputs):
        return over_grpc(request=as_json(document), **inputs).read(SETTINGS)

    assert not read(DOCUMENT).stream
    assert read(STREAMED, call=b"stream").stream
    for disagreeing in (
        lambda: read(STREAMED),
        lambda: read(DOCUMENT, call=b"stream"),
        lambda: read(STREAMED, call=b"plain"),
    ):
        with pytest.raises(InvalidRequest, match="StreamPredictions wants stream: true") as refused:
            disagreeing()
        assert refused.value.field == "stream"


def test_over_http_one_call_serves_both(over_http):
    assert over_http(("body", as_json(STREAMED), JSON)).read(SETTINGS).stream
    assert not over_http(("body", as_json(DOCUMENT), JSON)).read(SETTINGS).stream


def test_only_a_grpc_call_says_that_it_streams(over_http, over_grpc):
    assert over_grpc(call=b"stream").streaming_call
    assert not over_grpc().streaming_call
    assert not over_http(("call", b"stream", "")).streaming_call


def test_a_timeout_beyond_what_the_server_gives_is_refused_with_the_bound(over_grpc):
    incoming = over_grpc(request=as_json({**DOCUMENT, "timeout": 61}))
    with pytest.raises(InvalidRequest, match=r"at most 60 s \(max_timeout\)") as refused:
        incoming.read(SETTINGS)
    assert refused.value.field == "timeout"


def test_a_question_about_the_server_needs_neither_video_nor_agreement(over_http, over_grpc):
    info = as_json({"info": True})
    assert over_http(("body", info, JSON)).read(SETTINGS) == InfoRequest(info=True)
    assert over_grpc(request=info).read(SETTINGS) == InfoRequest(info=True)
    assert over_grpc(request=info, call=b"stream").read(SETTINGS) == InfoRequest(info=True)


def test_an_operation_that_the_checkpoint_was_not_trained_for_is_refused(over_http):
    settings = HandlerSettings(operations=["pointing", "describe"])
    asked = {"operations": [{"operation": "pointing", "prompt": "cat"}, {"operation": "embed"}]}
    incoming = over_http(("body", as_json(asked), JSON))
    with pytest.raises(InvalidRequest, match=r"answers pointing, describe only, not embed") as no:
        incoming.read(settings)
    assert no.value.field == "operations[1].operation"
    assert incoming.read(HandlerSettings()).operations[1] == Embed()
