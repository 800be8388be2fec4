import json

import pytest

from molmo2_client import Describe, Embed, InvalidRequest, Settings, Video
from molmo2_client.call import Call, compose
from molmo2_contract.request import parse_request

SETTINGS = Settings(timeout=30)
URI = "file:///data/a.mp4"


def _sent(*arguments, stream=False, **options):
    request, source = compose(SETTINGS, *arguments, stream=stream, **options)
    call = Call.ask(request, source)
    return json.loads(call.document), call


def test_the_document_is_the_contracts_request():
    document, call = _sent(URI, [Describe(prompt="a"), {"operation": "embed"}], request_id="r")
    assert parse_request(call.document).request_id == "r"
    assert document["video"]["uri"] == URI
    assert [asked["operation"] for asked in document["operations"]] == ["describe", "embed"]


@pytest.mark.parametrize("given", ["r-1", None])
def test_a_request_has_one_id_for_the_server_and_for_those_before_it(given):
    document, call = _sent(URI, Embed(), request_id=given)
    assert call.headers["x-request-id"] == document["request_id"]
    assert given in (None, document["request_id"])


def test_an_id_that_the_caller_leaves_out_is_another_for_each_request():
    assert _sent(URI, Embed())[0]["request_id"] != _sent(URI, Embed())[0]["request_id"]


@pytest.mark.parametrize("given", ["größer", "a b", "a\nb: c"])
def test_an_id_that_no_header_can_carry_is_in_the_request_alone(given):
    document, call = _sent(URI, Embed(), request_id=given)
    assert document["request_id"] == given
    assert "x-request-id" not in call.headers


@pytest.mark.parametrize("one", [Embed(), {"operation": "embed"}, "embed", ["embed"]])
def test_one_operation_stands_for_a_list_of_it(one):
    assert _sent(URI, one)[0]["operations"] == [
        {"operation": "embed", "pooling": "mean", "per_frame": False}
    ]


def test_operations_may_come_from_any_iterable():
    document, _ = _sent(URI, (Describe(prompt=prompt) for prompt in "ab"))
    assert [asked["prompt"] for asked in document["operations"]] == ["a", "b"]


@pytest.mark.parametrize("stream", [True, False])
def test_the_stream_field_agrees_with_the_call(stream):
    assert _sent(URI, Embed(), stream=stream)[0]["stream"] is stream


def test_the_timeout_is_the_calls_or_else_the_clients():
    for given, expected in ((5, 5), (None, 30)):
        document, call = _sent(URI, Embed(), timeout=given)
        assert document["timeout"] == call.timeout == expected


def test_options_go_before_what_a_contract_video_says():
    video = Video(uri=URI, start=1, end=9, max_fps=1)
    document, _ = _sent(video, Embed(), end=5, max_frames=8, start=None)
    assert document["video"] == {
        "uri": URI,
        "start": 1,
        "end": 5,
        "max_frames": 8,
        "max_fps": 1,
    }


def test_bytes_travel_beside_the_document():
    document, call = _sent(b"abc", Embed())
    assert call.parts == {"video": b"abc"}
    assert "uri" not in document["video"]


@pytest.mark.parametrize(
    ("arguments", "options", "field"),
    [
        ((URI, []), {}, "operations"),
        ((URI, "embd"), {}, "operations[0]"),
        ((URI, "describe"), {}, "operations[0].prompt"),
        ((URI, {"operation": "embd"}), {}, "operations[0]"),
        ((URI, {"operation": "embed", "pool": 1}), {}, "operations[0].pool"),
        ((URI, Embed()), {"max_frames": 1}, "video.max_frames"),
        ((URI, Embed()), {"max_frame": 8}, "video.max_frame"),
        ((URI, Embed()), {"timeout": 0}, "timeout"),
    ],
)
def test_a_wrong_argument_is_refused_by_the_name_of_its_field(arguments, options, field):
    with pytest.raises(InvalidRequest) as raised:
        _sent(*arguments, **options)
    assert raised.value.field == field
