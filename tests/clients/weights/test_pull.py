"""What is in the folder after a pull, whatever happened on the way."""

import os
import shutil
from types import SimpleNamespace

import pytest
from small_hub import COMMIT, FETCHED, NAME
from whole_weights import assert_whole

from molmo2_client.weights import WeightsError, download, pull
from molmo2_client.weights.pull import Listener

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def test_everything_but_code_and_pickles_is_fetched_at_one_commit(hub, tmp_path):
    pulled = pull(NAME, tmp_path / "weights")
    assert_whole(pulled, hub.files)
    assert (pulled.record.source, pulled.record.revision) == (NAME, COMMIT)
    assert pulled.fetched


def test_a_second_pull_downloads_nothing(hub, tmp_path):
    pull(NAME, tmp_path / "weights")
    hub.asked.clear()
    again = pull(NAME, tmp_path / "weights")
    assert not again.fetched
    assert hub.asked == []


def test_a_broken_download_continues_where_it_stopped(hub, tmp_path):
    hub.cuts = {FIRST: [100_000, 50_000]}
    assert_whole(pull(NAME, tmp_path / "weights"), hub.files)
    asked = [start for name, start in hub.asked if name == FIRST]
    assert asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_pull_that_gave_up_continues_when_it_is_called_again(hub, tmp_path):
    hub.cuts = {SECOND: [70_000] + [0] * download.ATTEMPTS}
    with pytest.raises(WeightsError):
        pull(NAME, tmp_path / "weights")
    assert not (tmp_path / "weights").exists()
    hub.asked.clear()
    assert_whole(pull(NAME, tmp_path / "weights"), hub.files)
    assert ("config.json", None) not in hub.asked
    assert (SECOND, "bytes=70000-") in hub.asked


def test_without_ranges_a_broken_download_starts_over(hub, tmp_path):
    hub.ranges = False
    hub.cuts = {FIRST: [100_000, 120_000]}
    came = []
    listener = Listener(arrived=came.append)
    assert_whole(pull(NAME, tmp_path / "weights", listener=listener), hub.files)
    assert sum(came) == sum(len(hub.files[name]) for name in FETCHED)


@pytest.mark.parametrize("name", [FIRST, "config.json"], ids=["sha256", "git"])
def test_content_with_another_digest_is_fetched_again_once(hub, tmp_path, name):
    hub.damages[name] = 1
    assert_whole(pull(NAME, tmp_path / "weights"), hub.files)
    shutil.rmtree(tmp_path / "weights")
    hub.damages[name] = 2
    with pytest.raises(WeightsError, match=f"{name} came twice with a content"):
        pull(NAME, tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_a_busy_hub_is_asked_again(hub, tmp_path):
    hub.statuses = [503, 429, 500]
    assert_whole(pull(NAME, tmp_path / "weights"), hub.files)


def test_a_part_of_another_content_is_not_continued(hub, tmp_path):
    hub.cuts = {FIRST: [90_000] + [0] * download.ATTEMPTS}
    with pytest.raises(WeightsError):
        pull(NAME, tmp_path / "weights")
    hub.files[FIRST] = os.urandom(250_000)
    assert_whole(pull(NAME, tmp_path / "weights"), hub.files)


def test_a_hub_that_sends_nothing_is_given_longer_each_time(hub, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(download, "_PAUSE", 0.5)
    monkeypatch.setattr(download, "time", SimpleNamespace(sleep=pauses.append))
    hub.cuts = {FIRST: [0] * (download.ATTEMPTS - 1)}
    assert_whole(pull(NAME, tmp_path / "weights"), hub.files)
    assert pauses == [0.5, 1.0, 2.0, 4.0]
