"""Bad input gets its own kind of error within two seconds, and costs nobody else anything."""

import json
import os
import time
import wave
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx2
import pytest

from molmo2_client import (
    InvalidRequest,
    Molmo2Error,
    TooLarge,
    Unauthorized,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_client.wire import inference_pb2 as wire
from molmo2_client.wire import inference_pb2_grpc
from molmo2_contract.results import Status

pytestmark = pytest.mark.e2e

EMBED = [{"operation": "embed"}]
SECONDS = 2.0


@pytest.fixture(scope="module")
def bad_files(stage):
    """Name to a file under the allowed roots that is no video."""
    folder = stage.videos
    files = {
        "noise": folder / "noise.mp4",
        "empty": folder / "empty.mp4",
        "text": folder / "text.mp4",
        "audio": folder / "audio.wav",
    }
    files["noise"].write_bytes(os.urandom(10_000))
    files["empty"].write_bytes(b"")
    files["text"].write_text("This is not a video.\n" * 100)
    with wave.open(str(files["audio"]), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16_000))
    return files


def refused(call, kind):
    """The error of a call, which came soon."""
    began = time.monotonic()
    with pytest.raises(kind) as error:
        call()
    assert time.monotonic() - began < SECONDS
    assert error.value.message
    return error.value


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("media", ["upload", "path"])
@pytest.mark.parametrize("name", ["noise", "empty", "text", "audio"])
def test_what_is_no_video_is_unreadable(stage, transport, media, bad_files, name):
    with stage.client(transport, media=media) as client:
        refused(lambda: client.ask(bad_files[name], EMBED), VideoUnreadable)


def test_outside_the_roots_nothing_is_read(client, stage, tmp_path):
    secret = tmp_path / "secret.mp4"
    secret.write_bytes(b"x")
    link = stage.videos / "link.mp4"
    if not link.is_symlink():
        link.symlink_to(secret)
    for uri in (
        "file:///etc/passwd",
        f"file://{stage.videos}/../run/key_file.json",
        f"file://{stage.videos}/%2e%2e/run/key_file.json",
        f"file://{link}",
        "file:///no/such/place.mp4",
    ):
        refused(lambda uri=uri: client.ask(uri, EMBED), VideoForbidden)


def test_a_missing_file_under_a_root_is_not_found(client, stage):
    refused(lambda: client.ask(f"file://{stage.videos}/nothing.mp4", EMBED), VideoNotFound)


def test_other_schemes_are_refused(client):
    error = refused(lambda: client.ask("ftp://example.org/a.mp4", EMBED), InvalidRequest)
    assert error.field == "video.uri"


# Requests that our clients would not let out, as they reach a server from elsewhere.
DOCUMENTS = {
    "unknown operation": ({"operations": [{"operation": "paint"}]}, "operations[0]"),
    "missing prompt": ({"operations": [{"operation": "pointing"}]}, "operations[0].prompt"),
    "unknown field": ({"operations": EMBED, "vidoe": {}}, "vidoe"),
    "no operations": ({"operations": []}, "operations"),
    "negative time": ({"operations": EMBED, "video": {"start": -1}}, "video.start"),
    "not an object": ([1, 2], None),
    "no request": ({}, "operations"),
}


def post(stage, body, **headers):
    token = json.loads(stage.server.key_file.read_text())["inference"]["key"]
    given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    return httpx2.post(
        f"{stage.server.http_url}/predictions/molmo2-demo", content=body, headers=given, timeout=30
    )


def predict(stage, body, token=None):
    key = json.loads(stage.server.key_file.read_text())["inference"]["key"]
    with grpc.insecure_channel(stage.server.grpc_url.removeprefix("grpc://")) as channel:
        stub = inference_pb2_grpc.InferenceAPIsServiceStub(channel)
        call = wire.PredictionsRequest(model_name="molmo2-demo", input={"request": body})
        answer = stub.Predictions(call, metadata=[("authorization", f"Bearer {key}")], timeout=30)
    return json.loads(answer.prediction)


@pytest.mark.parametrize("fault", DOCUMENTS)
def test_a_malformed_request_names_its_field(stage, fault):
    document, field = DOCUMENTS[fault]
    body = json.dumps(document).encode()
    began = time.monotonic()
    over_http, over_grpc = post(stage, body), predict(stage, body)
    assert time.monotonic() - began < 2 * SECONDS
    assert over_http.status_code == 400
    for error in (over_http.json()["error"], over_grpc["error"]):
        assert error["kind"] == "invalid_request"
        assert error["field"] == field


def test_json_that_is_none_is_an_invalid_request(stage):
    assert post(stage, b'{"operations": [').json()["error"]["kind"] == "invalid_request"
    assert predict(stage, b'{"operations": [')["error"]["kind"] == "invalid_request"


def test_ten_megabytes_of_json_are_too_large(stage):
    body = json.dumps({"operations": EMBED, "video": {"uri": "x" * 10_000_000}}).encode()
    began = time.monotonic()
    over_http, over_grpc = post(stage, body), predict(stage, body)
    assert time.monotonic() - began < 2 * SECONDS
    assert over_http.status_code == 413
    for error in (over_http.json()["error"], over_grpc["error"]):
        assert error["kind"] == "too_large"
        assert "max_request_bytes" in error["message"]


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("media", ["upload", "path"])
def test_a_huge_video_is_too_large_before_it_is_read(stage, transport, media):
    big = stage.videos / "big.mp4"
    with big.open("wb") as file:
        file.truncate(2**30)
    with stage.client(transport, media=media) as client:
        refused(lambda: client.ask(big, EMBED), TooLarge)
    big.unlink()


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("token", ["wrong", None])
def test_without_a_good_token_nobody_is_answered(stage, transport, token):
    options = {"key_file": None, "token": token, "retries": 0}
    with stage.client(transport, **options) as client:
        refused(client.info, Unauthorized)


def test_a_stream_asked_for_by_a_plain_grpc_call_is_refused(stage):
    body = json.dumps({"operations": EMBED, "stream": True}).encode()
    assert predict(stage, body)["error"]["field"] == "stream"


def test_good_requests_beside_bad_ones_succeed(stage, rendered, bad_files):
    def ask(video):
        try:
            return client.ask(video, EMBED)
        except Molmo2Error as error:
            return error.kind

    mixed = [video.path for video in rendered] + list(bad_files.values())
    with stage.client("http") as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, mixed * 3))
    for video, answer in zip(mixed * 3, answers, strict=True):
        if video in bad_files.values():
            assert answer == "video_unreadable"
        else:
            assert answer.results[0].status is Status.OK
