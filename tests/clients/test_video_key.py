"""Every request about one video carries one key, over both transports, and nothing can be read
from it."""

import os
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molmo2_client import Describe, Molmo2, errors
from molmo2_client.call import Call
from molmo2_client.transport.http import HttpTransport
from molmo2_client.video_key import HEADER, video_key
from molmo2_client.wire import inference_pb2_grpc

URI = "file:///data/secret/a.mp4"
QUESTION = Describe(prompt="why")


def test_a_uri_names_its_video_whoever_asks():
    assert video_key(URI, None) == video_key(URI, None) != video_key(f"{URI}4", None)


def test_a_file_is_another_video_when_it_has_changed(tmp_path):
    file = tmp_path / "a.mp4"
    file.write_bytes(b"one")
    before = video_key(None, file)
    assert video_key(None, file) == before
    os.utime(file, ns=(1, 1))
    assert video_key(None, file) != before


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_bytes_are_named_by_what_they_are(one, other):
    assert (video_key(None, one) == video_key(None, other)) == (one == other)


def test_long_bytes_differ_by_length_beginning_or_end():
    video = bytes(300_000)
    changed = [video + b"\0", b"\1" + video[1:], video[:-1] + b"\1"]
    assert len({video_key(None, each) for each in [video, *changed]}) == 4


def test_what_names_nothing_has_no_key(tmp_path):
    assert video_key(None, None) is None
    assert video_key(None, tmp_path / "gone") is None


@given(st.text(min_size=1))
def test_a_key_is_16_digits_whatever_the_name(uri):
    key = video_key(uri, None)
    assert len(key) == 16
    int(key, 16)


class Remembered(inference_pb2_grpc.InferenceAPIsServiceServicer):
    """Refuses every call, and remembers the metadata that came with it."""

    def __init__(self):
        self.metadata = []

    def Predictions(self, request, context):  # noqa: N802
        self.metadata.append(dict(context.invocation_metadata()))
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no")


@pytest.fixture(scope="module")
def remembered():
    servicer = Remembered()
    server = grpc.server(ThreadPoolExecutor(2))
    inference_pb2_grpc.add_InferenceAPIsServiceServicer_to_server(servicer, server)
    servicer.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer
    server.stop(grace=None).wait()


def test_grpc_carries_it_in_the_metadata(remembered):
    url = f"grpc://127.0.0.1:{remembered.port}"
    with Molmo2(url, model="m", token="t", retries=0) as molmo2:
        for _ in range(2):
            with pytest.raises(errors.Molmo2Error):
                molmo2.ask(URI, QUESTION)
        with pytest.raises(errors.Molmo2Error):
            molmo2.info()
    first, second, info = remembered.metadata
    assert first[HEADER] == second[HEADER] == video_key(URI, None)
    assert first["authorization"] == "Bearer t"
    assert HEADER not in info


def test_http_carries_it_in_a_header():
    asked = Call(b"{}", 1.0, video_key="0123456789abcdef")
    with Molmo2("http://127.0.0.1:9", model="m") as molmo2:
        transport = molmo2._transport
        assert isinstance(transport, HttpTransport)
        with transport._arguments(asked, "t") as arguments:
            assert arguments["headers"][HEADER] == asked.video_key
            assert arguments["headers"]["Authorization"] == "Bearer t"
        with transport._arguments(Call.info(1.0), None) as arguments:
            assert HEADER not in arguments["headers"]
