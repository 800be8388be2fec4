"""Weights in a store, which tells no digests: never those of two contents, never held on to."""

import resource

import pytest
from small_hub import checkpoint_files
from small_store import empty_store
from whole_weights import assert_whole

from molmo2_client.weights import WeightsError, download, pull
from molmo2_client.weights.pull import Listener

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


class Stopped(Exception):
    """The caller has had enough."""


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(download, "_PAUSE", 0.0)
    return empty_store()


@pytest.fixture
def put(store):
    """Puts a checkpoint there; each number gives another content of the same sizes."""

    def put(place, number):
        files = checkpoint_files()
        for name in (FIRST, SECOND, "tokenizer.json"):
            files[name] = bytes((byte + number) % 256 for byte in files[name])
        for name, content in files.items():
            store.pipe(f"/{place}/{name}", content)
        return files

    return put


def stop_after(name):
    def finished(file):
        if file == name:
            raise Stopped

    return Listener(finished=finished)


@pytest.mark.parametrize("other", ["v2", "v1"], ids=["another place", "overwritten"])
@pytest.mark.parametrize("stopped_after", ["tokenizer.json", SECOND])
def test_what_was_begun_from_another_content_is_not_continued(put, tmp_path, other, stopped_after):
    put("v1", 1)
    with pytest.raises(Stopped):
        pull("small://v1", tmp_path / "weights", listener=stop_after(stopped_after))
    files = put(other, 2)
    pulled = pull(f"small://{other}", tmp_path / "weights")
    assert_whole(pulled, files)
    assert pulled.record.source == f"small://{other}"


def test_what_was_begun_from_the_same_content_is_continued(put, store, tmp_path):
    files = put("v1", 1)
    store.cuts[FIRST] = [120_000] + [0] * download.ATTEMPTS
    with pytest.raises(WeightsError, match="ConnectionResetError: cut off"):
        pull("small://v1", tmp_path / "weights")
    came = []
    listener = Listener(arrived=came.append)
    store.opened.clear()
    assert_whole(pull("small://v1", tmp_path / "weights", listener=listener), files)
    assert 120_000 in came
    assert store.opened["config.json"] == 0


def test_a_finished_pull_is_not_taken_for_what_the_store_has_since(put, tmp_path):
    put("v1", 1)
    assert pull("small://v1", tmp_path / "weights").fetched
    assert not pull("small://v1", tmp_path / "weights").fetched
    put("v1", 2)
    with pytest.raises(WeightsError, match="may not be what small://v1 has now; remove the folder"):
        pull("small://v1", tmp_path / "weights")


def test_a_read_that_breaks_off_is_taken_up(put, store, tmp_path):
    store.cuts[FIRST] = [100_000, 0, 50_000]
    files = put("v1", 1)
    assert_whole(pull("small://v1", tmp_path / "weights"), files)
    assert store.opened[FIRST] == 4


def test_whoever_stops_it_is_heard_at_once(put, store, tmp_path):
    put("v1", 1)

    def arrived(count):
        if count > 100_000:
            raise Stopped

    with pytest.raises(Stopped):
        pull("small://v1", tmp_path / "weights", listener=Listener(arrived=arrived))
    assert max(store.opened[name] for name in (FIRST, SECOND)) == 1


def test_a_disk_that_is_full_ends_it_at_once(put, store, tmp_path):
    put("v1", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, hard))
    try:
        with pytest.raises(WeightsError, match="File too large"):
            pull("small://v1", tmp_path / "weights")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.opened[FIRST] == 1
