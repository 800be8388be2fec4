"""Videos in an S3 store: moto's server, which speaks S3 over a socket of this machine."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

from molmo2_contract.errors import (
    DeadlineExceeded,
    Molmo2Error,
    TooLarge,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.opened import open_video
from molmo2_handler.video.source import Source, open_source

CONTENT = np.random.default_rng(1).bytes(3 * 2**20)


@pytest.fixture(scope="module", autouse=True)
def credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.fixture(scope="module")
def endpoint(credentials: None) -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def store(endpoint: str) -> Any:
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="clips")
    return client


def put(store: Any, key: str, content: bytes) -> str:
    store.put_object(Bucket="clips", Key=key, Body=content)
    return f"s3://clips/{key}"


def limits_for(endpoint: str, **settings: Any) -> VideoLimits:
    options = {"s3": {"endpoint_url": endpoint}}
    return VideoLimits(**{"allowed_buckets": ("s3://clips",), "store_options": options, **settings})


@contextmanager
def opened(uri: str, limits: VideoLimits, deadline: float | None = None) -> Iterator[Source]:
    source = open_source(Video(uri=uri), None, limits, deadline)
    with source.file:
        yield source


def refusal(uri: str, limits: VideoLimits, deadline: float | None = None) -> Molmo2Error:
    with pytest.raises(Molmo2Error) as caught, opened(uri, limits, deadline) as source:
        source.file.read()
    return caught.value


def test_an_object_is_read_from_anywhere(store, endpoint) -> None:
    with opened(put(store, "a.mp4", CONTENT), limits_for(endpoint)) as source:
        source.file.seek(-100, 2)
        assert source.file.read() == CONTENT[-100:]
        source.file.seek(0)
        assert source.file.read() == CONTENT


@pytest.mark.parametrize("key", ["a folder/clip (1).mp4", "ä/ö+%41.mp4", "a:b@c&d=e.mp4", "*.mp4"])
def test_a_key_is_taken_as_it_is_written(store, endpoint, key: str) -> None:
    with opened(put(store, key, key.encode()), limits_for(endpoint)) as source:
        assert source.file.read() == key.encode()


def test_only_the_allowed_prefix_is_read(store, endpoint) -> None:
    limits = limits_for(endpoint, allowed_buckets=("s3://clips/public",))
    with opened(put(store, "public/a.mp4", b"content"), limits) as source:
        assert source.file.read() == b"content"
    error = refusal(put(store, "private/a.mp4", b"content"), limits)
    assert isinstance(error, VideoForbidden)
    assert "setting allowed_buckets" in error.message


@pytest.mark.parametrize("uri", ["s3://clips/gone.mp4", "s3://clips/folder", "s3://nobody/a.mp4"])
def test_what_is_not_there_is_not_found(store, endpoint, uri: str) -> None:
    put(store, "folder/a.mp4", b"content")
    limits = limits_for(endpoint, allowed_buckets=("s3://clips", "s3://nobody"))
    assert isinstance(refusal(uri, limits), VideoNotFound)


def test_an_empty_object_is_unreadable(store, endpoint) -> None:
    error = refusal(put(store, "empty.mp4", b""), limits_for(endpoint))
    assert isinstance(error, VideoUnreadable)
    assert "is empty" in error.message


def test_too_many_bytes_are_refused_before_they_are_fetched(store, endpoint) -> None:
    error = refusal(put(store, "a.mp4", CONTENT), limits_for(endpoint, max_video_bytes=1000))
    assert isinstance(error, TooLarge)
    assert "has 3145728 bytes; this server takes up to 1000" in error.message


def test_the_stores_tag_vouches_for_the_content(store, endpoint) -> None:
    def identity() -> str:
        with opened("s3://clips/changing.mp4", limits_for(endpoint)) as source:
            return source.identity

    put(store, "changing.mp4", b"before")
    before = identity()
    assert identity() == before
    put(store, "changing.mp4", b"behind")
    assert identity() != before


@pytest.mark.parametrize("after", [b"x" * len(CONTENT), b"short"])
def test_an_object_that_changes_while_it_is_read_is_told(store, endpoint, after: bytes) -> None:
    with opened(put(store, "changing.mp4", CONTENT), limits_for(endpoint)) as source:
        source.file.read(10)
        put(store, "changing.mp4", after)
        with pytest.raises(VideoUnreadable):
            source.file.read()


def test_an_object_that_changes_after_it_was_read_has_no_identity(store, endpoint) -> None:
    with opened(put(store, "changing.mp4", b"before"), limits_for(endpoint)) as source:
        assert source.file.read() == b"before"
        put(store, "changing.mp4", b"behind")
        with pytest.raises(VideoUnreadable, match="changed while it was read"):
            assert source.identity


def test_a_real_video_is_the_same_in_a_store(store, endpoint, render, tmp_path: Path) -> None:
    clip = render(tmp_path / "clip.mp4", range(90), b_frames=2)
    limits = limits_for(endpoint, allowed_roots=(tmp_path,))
    uri = put(store, "clip.mp4", clip.read_bytes())
    with (
        open_video(Video(uri=uri), None, limits) as stored,
        open_video(Video(uri=clip.as_uri()), None, limits) as file,
    ):
        assert stored.info == file.info
        assert np.array_equal(stored.frames(66).images, file.frames(66).images)
        assert stored.key != file.key


def test_a_store_that_refuses_is_told(web) -> None:
    web.pages["/clips/a.mp4"] = lambda exchange: exchange.reply(403)
    error = refusal("s3://clips/a.mp4", limits_for(f"http://{web.host}:{web.port}"))
    assert isinstance(error, VideoForbidden)
    assert "its store refused it" in error.message


def test_a_store_that_fails_is_told(web) -> None:
    web.pages["/clips/a.mp4"] = lambda exchange: exchange.reply(501)
    error = refusal("s3://clips/a.mp4", limits_for(f"http://{web.host}:{web.port}"))
    assert isinstance(error, VideoUnreadable)
    assert "its store failed" in error.message


def test_a_store_that_hangs_is_left_at_the_deadline(web) -> None:
    web.pages["/clips/a.mp4"] = lambda exchange: time.sleep(2)
    limits = limits_for(f"http://{web.host}:{web.port}")
    assert isinstance(refusal("s3://clips/a.mp4", limits, time.monotonic() + 0.4), DeadlineExceeded)


def test_a_store_that_cannot_be_opened_is_told(monkeypatch) -> None:
    """Azure's needs at least the name of an account."""
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    error = refusal("az://clips/a.mp4", VideoLimits(allowed_buckets=("az://clips",)))
    assert isinstance(error, VideoUnreadable)
    assert "its store failed: ValueError" in error.message
