"""The four kinds of client against a real TorchServe: same answers, same errors."""

import hashlib
import json
import socket
from pathlib import Path

import pytest

from molmo2_client import (
    DeadlineExceeded,
    Describe,
    Done,
    EngineUnavailable,
    InternalError,
    InvalidRequest,
    OperationDone,
    Overloaded,
    Pointing,
    Pooling,
    Progress,
    ProtocolError,
    ServerUnreachable,
    TooLarge,
    Unauthorized,
    VideoNotFound,
    VideoUnreadable,
    WorkerDied,
)

pytestmark = pytest.mark.e2e

URI = "file:///data/a.mp4"
LARGEST = 900_000  # bytes that fit the test server's requests


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a video.mp4"
    path.write_bytes(bytes(range(256)) * 1000)
    return path


def _arrived(data: bytes) -> str:
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


def test_every_operation_gets_its_result_in_the_order_of_the_request(client):
    asked = [Describe(prompt="hello"), {"operation": "embed"}, Pointing(prompt="nose")]
    response = client.ask(URI, asked, request_id="r-1")
    assert [result.operation for result in response.results] == ["describe", "embed", "pointing"]
    assert response.results[2].points[0].label == "nose"
    assert response.request_id == "r-1"


def test_one_operation_needs_no_list(client):
    assert client.ask(URI, {"operation": "describe", "prompt": "hi"}).results[0].text == "hi"


def test_the_clip_and_the_sampling_reach_the_server(client):
    video = client.ask(URI, {"operation": "embed"}, start=2.5, end=7.5, max_frames=16).video
    assert (video.sampled.times, video.duration, video.frame_count) == ([2.5], 7.5, 16)


def test_each_convenience_returns_its_own_result(client):
    assert client.point(URI, "nose").points[0].label == "nose"
    assert client.track(URI, "hand").tracks[0].label == "hand"
    assert client.describe(URI, "hello").text == "hello"
    assert client.localize(URI).events[0].description == "echo"
    assert client.analyze(URI).analysis.summary == "echo"
    assert client.embed(URI, pooling=Pooling.MAX).embedding == [0.0, 1.0]


def test_a_schema_reaches_the_server_in_its_order_and_comes_back_as_data(client):
    schema = {"type": "object", "properties": {"z": {"enum": [None, 1]}, "a": {"const": "é"}}}
    result = client.describe(URI, "How many?", json_schema=schema)
    assert result.data == schema
    assert json.loads(result.text, object_pairs_hook=list) == json.loads(
        json.dumps(schema), object_pairs_hook=list
    )
    with pytest.raises(InvalidRequest, match=r"operations\[0\].json_schema: has .* bytes"):
        client.describe(URI, "How many?", json_schema={"const": "x" * 40_000})


def test_a_failed_result_is_kept_beside_the_others_and_raised_by_a_convenience(client):
    operations = [Describe(prompt="result internal"), Describe(prompt="fine")]
    failed, fine = client.ask(URI, operations).results
    assert (failed.error.kind, fine.text) == ("internal", "fine")
    with pytest.raises(InternalError, match="internal, as asked"):
        client.describe(URI, "result internal")


def test_the_server_tells_what_it_serves(client):
    assert client.info().embedding_dimension == 2


def test_a_uri_travels_as_it_is(client):
    assert client.describe(URI, "what video").text == f"at {URI}"


def test_bytes_travel_unchanged(client):
    data = bytes(range(256)) * (LARGEST // 256)
    assert client.describe(data, "what video").text == _arrived(data)


def test_the_bytes_of_a_local_file_travel(client, file):
    assert client.describe(file, "what video").text == _arrived(file.read_bytes())
    assert client.describe(str(file), "what video").text == _arrived(file.read_bytes())


def test_the_path_of_a_local_file_travels_where_asked_for(connect, file):
    text = connect(media="path").describe(file, "what video").text
    assert text == f"at {file.as_uri()}"
    assert "%20" in text


def test_an_answer_above_grpcs_usual_4_mib_is_received(client):
    assert len(client.describe(URI, "say 5000000").text) == 5_000_000


def test_a_stream_gives_progress_then_each_result_then_done(client):
    operations = [Describe(prompt="a"), Describe(prompt="b")]
    events = list(client.stream(URI, operations, request_id="r-2"))
    kinds = [type(event) for event in events]
    assert kinds == [Progress, OperationDone, OperationDone, Done]
    assert [event.result.text for event in events[1:3]] == ["a", "b"]
    assert events[-1].request_id == "r-2"


def test_bytes_can_be_streamed_about(client):
    events = list(client.stream(b"abc", Describe(prompt="what video")))
    assert events[1].result.text == _arrived(b"abc")


def test_a_stream_may_be_left_early_and_the_client_used_on(client):
    events = client.stream(URI, Describe(prompt="a"))
    assert isinstance(next(events), Progress)
    events.close()
    assert client.describe(URI, "still here").text == "still here"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("video_not_found", VideoNotFound),
        ("overloaded", Overloaded),
        ("engine_unavailable", EngineUnavailable),
        ("internal", InternalError),
    ],
)
def test_an_error_of_the_handler_is_raised_as_its_class(client, kind, error):
    prompt = Describe(prompt=f"refuse {kind}")
    for call in (lambda: client.ask(URI, prompt), lambda: list(client.stream(URI, prompt))):
        with pytest.raises(error, match=f"{kind}, as asked") as raised:
            call()
        assert raised.value.retry_after == 0.5


def test_an_error_within_a_stream_is_raised_after_the_events_before_it(client):
    events = client.stream(URI, Describe(prompt="fail video_unreadable"), request_id="r-3")
    assert isinstance(next(events), Progress)
    with pytest.raises(Exception, match="video_unreadable, as asked") as raised:
        next(events)
    assert raised.value.kind == "video_unreadable"
    assert raised.value.request_id == "r-3"


def test_a_stream_that_ends_early_is_told_from_one_that_is_done(client):
    events = client.stream(URI, Describe(prompt="cut"))
    next(events)
    with pytest.raises(ProtocolError, match="ended before its last event"):
        next(events)


def test_an_answer_that_is_no_json_is_a_protocol_error(client):
    with pytest.raises(ProtocolError, match="nonsense"):
        client.ask(URI, Describe(prompt="nonsense"))


@pytest.mark.parametrize("token", ["wrong", None])
def test_a_wrong_or_missing_token_is_unauthorized_and_says_where_tokens_are(
    connect, monkeypatch, token
):
    monkeypatch.delenv("MOLMO2_KEY_FILE", raising=False)
    client = connect(key_file=None, token=token)
    with pytest.raises(Unauthorized, match=r"key_file\.json"):
        client.describe(URI, "hello")
    with pytest.raises(Unauthorized, match=r"key_file\.json"):
        list(client.stream(URI, Describe(prompt="hello")))


def test_a_key_file_is_read_again_when_its_key_is_refused(connect, torchserve, tmp_path):
    key_file = tmp_path / "key_file.json"
    key_file.write_text(json.dumps({"inference": {"key": "of-the-last-start"}}))
    client = connect(key_file=key_file)
    with pytest.raises(Unauthorized):
        client.describe(URI, "before")
    key_file.write_bytes(torchserve.key_file.read_bytes())
    assert client.describe(URI, "after").text == "after"


def test_an_unknown_model_is_an_invalid_request_that_names_it(connect):
    client = connect(model="nobody")
    with pytest.raises(InvalidRequest, match="'nobody'") as raised:
        client.describe(URI, "hello")
    assert raised.value.field == "model"


def test_an_invalid_request_names_the_field(client):
    with pytest.raises(InvalidRequest) as raised:
        client.ask(URI, [{"operation": "pointing"}])
    assert raised.value.field == "operations[0].prompt"


def test_a_file_over_the_clients_bound_is_refused_unread(connect, file):
    with pytest.raises(TooLarge, match="max_upload_bytes is 100"):
        connect(max_upload_bytes=100).describe(file, "hello")


def test_a_request_over_the_servers_bound_is_too_large(client):
    with pytest.raises(TooLarge, match="max_request_size"):
        client.describe(b"x" * 2_000_000, "hello")


def test_a_full_queue_is_overloaded(connect):
    outcomes = connect(model="narrow").at_once(6, "describe", URI, "hang 1")
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert refused
    assert len(refused) < len(outcomes)
    assert all(isinstance(error, Overloaded) for error in refused), refused


def test_a_full_queue_is_waited_for_where_retries_are_allowed(connect):
    outcomes = connect(model="narrow", retries=20).at_once(6, "describe", URI, "hang 0.2")
    assert [outcome.text for outcome in outcomes] == ["hang 0.2"] * 6


def test_sixteen_calls_at_once_each_get_their_own_answer(client):
    answers = client.at_once(16, "describe", b"abc", "what video")
    assert [answer.text for answer in answers] == [_arrived(b"abc")] * 16


def test_the_servers_deadline_is_raised(client):
    with pytest.raises(DeadlineExceeded, match=r"timeout: 0\.2 s passed"):
        client.describe(URI, "sleep 5", timeout=0.2)


def test_a_server_that_misses_the_deadline_is_not_waited_for(connect):
    client = connect(deadline_margin=0.2)
    with pytest.raises(DeadlineExceeded, match="raise timeout"):
        client.describe(URI, "hang 3", timeout=0.2)


def test_a_worker_that_dies_is_told_as_such_and_the_next_request_is_answered(client):
    with pytest.raises(WorkerDied, match="worker ended"):
        client.describe(URI, "die")
    assert client.describe(URI, "hello").text == "hello"


def test_two_workers_that_die_speak_against_the_video_however_many_retries_there_are(connect):
    with pytest.raises(VideoUnreadable, match="2 workers of the server ended"):
        connect(retries=20).describe(URI, "die")


def test_a_handler_that_raises_is_an_internal_error(client):
    with pytest.raises(InternalError, match="handler failed"):
        client.describe(URI, "raise")


def test_no_server_at_the_address_is_unreachable(connect):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    scheme = connect().settings.url.partition(":")[0]
    with pytest.raises(ServerUnreachable, match="is the server up"):
        connect(url=f"{scheme}://127.0.0.1:{port}").describe(URI, "hello")


def test_the_other_protocols_port_is_told_apart(connect, torchserve):
    url = connect().settings.url
    swapped = {
        torchserve.http_url: torchserve.grpc_url.replace("grpc:", "http:"),
        torchserve.grpc_url: torchserve.http_url.replace("http:", "grpc:"),
    }
    with pytest.raises(ProtocolError, match="is it the"):
        connect(url=swapped[url]).describe(URI, "hello")
