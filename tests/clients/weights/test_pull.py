"""What is in the folder after a pull, whatever happened on the way."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from small_hub import COMMIT, FETCHED, NAME, SmallHub

from molmo2_client.weights import Pulled, WeightsError, download, pull
from molmo2_client.weights.pull import Listener
from molmo2_contract.weights import RECORD_NAME, WeightsRecord

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


def assert_whole(pulled: Pulled, files: dict[str, bytes]) -> None:
    assert {path.name for path in pulled.folder.iterdir()} == FETCHED | {RECORD_NAME}
    for name in FETCHED:
        assert (pulled.folder / name).read_bytes() == files[name]
        assert pulled.record.files[name].sha256 == hashlib.sha256(files[name]).hexdigest()
    assert WeightsRecord.read(pulled.folder) == pulled.record
    assert not pulled.folder.with_name(f".{pulled.folder.name}.part").exists()


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


def test_a_gated_checkpoint_says_how_to_get_in(hub, tmp_path, monkeypatch):
    hub.token = "hf_secret"
    with pytest.raises(WeightsError, match=r"denies access .* Accept the terms on .* HF_TOKEN"):
        pull(NAME, tmp_path / "weights")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert_whole(pull(NAME, tmp_path / "weights"), hub.files)


@pytest.mark.parametrize("status", [401, 403])
def test_a_denied_file_ends_the_pull(hub, tmp_path, status):
    hub.statuses = [status]
    with pytest.raises(WeightsError, match=rf"denies access \({status}\)"):
        pull(NAME, tmp_path / "weights")


def test_what_is_not_there_is_said(hub, tmp_path):
    with pytest.raises(WeightsError, match="someone/else: is not on http"):
        pull("someone/else", tmp_path / "weights")
    with pytest.raises(WeightsError, match="has no revision 'v9'"):
        pull(NAME, tmp_path / "weights", revision="v9")
    with pytest.raises(WeightsError, match="here: no such folder"):
        pull("here", tmp_path / "weights")


def test_offline_other_places_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(WeightsError, match=r"cannot be reached .* \(HF_ENDPOINT\), a folder or a"):
        pull(NAME, tmp_path / "weights")


def test_a_full_disk_is_noticed_before_anything_comes(hub, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100_000))
    with pytest.raises(WeightsError, match=r"GB are missing and 0.0 GB are free; make room"):
        pull(NAME, tmp_path / "weights")
    assert hub.asked == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config.json": b'{"model_type": "llama"}'}, "model_type is 'llama'; only 'molmo2'"),
        ({"config.json": None}, "has no config.json"),
        ({FIRST: None, SECOND: None}, "its weights are pickled"),
        ({FIRST: None, SECOND: None, "pytorch_model.bin": None}, "no weights; only safetensors"),
    ],
)
def test_what_is_no_molmo2_in_safetensors_is_refused_early(hub, tmp_path, changes, message):
    hub.files = {k: v for k, v in (hub.files | changes).items() if v is not None}
    with pytest.raises(WeightsError, match=message):
        pull(NAME, tmp_path / "weights")
    assert not any(name.endswith(".safetensors") for name, _ in hub.asked)


def test_a_folder_with_something_else_is_left_alone(hub, tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(WeightsError, match="holds something else; name another folder"):
        pull(NAME, tmp_path)
    assert (tmp_path / "letters.txt").read_text() == "dear"


def test_another_checkpoint_does_not_replace_one(hub, tmp_path, monkeypatch):
    pulled = pull(NAME, tmp_path / "weights")
    (tmp_path / "copy").mkdir()
    shutil.copy(pulled.folder / "config.json", tmp_path / "copy")
    shutil.copy(pulled.folder / FIRST, tmp_path / "copy")
    with pytest.raises(WeightsError, match=f"holds {NAME} at {COMMIT}, not"):
        pull(str(tmp_path / "copy"), tmp_path / "weights")


def test_a_damaged_folder_is_said(hub, tmp_path):
    pulled = pull(NAME, tmp_path / "weights")
    (pulled.folder / FIRST).write_bytes(b"short")
    with pytest.raises(WeightsError, match=f"{FIRST}: is damaged; remove the folder"):
        pull(NAME, tmp_path / "weights")


def test_a_folder_is_copied_with_its_name_and_revision(hub, tmp_path):
    here = pull(NAME, tmp_path / "volume")
    assert_whole(pull(str(here.folder), tmp_path / "weights"), hub.files)
    assert WeightsRecord.read(tmp_path / "weights") == here.record
    damaged = bytearray((here.folder / FIRST).read_bytes())
    damaged[5] ^= 1
    (here.folder / FIRST).write_bytes(damaged)
    with pytest.raises(WeightsError, match=f"{FIRST} came twice with a content"):
        pull(str(here.folder), tmp_path / "other")


def test_a_copy_in_a_store_is_what_it_is_a_copy_of(hub, tmp_path):
    here = pull(NAME, tmp_path / "volume")
    store = MemoryFileSystem()
    store.put(str(here.folder), "/mirror", recursive=True)
    assert_whole(pull("memory://mirror", tmp_path / "weights"), hub.files)
    assert WeightsRecord.read(tmp_path / "weights") == here.record
    assert not pull("memory://mirror", tmp_path / "weights").fetched
    store.pipe(f"/mirror/{FIRST}", bytes(len(hub.files[FIRST])))
    with pytest.raises(WeightsError, match=f"{FIRST} came twice with a content"):
        pull("memory://mirror", tmp_path / "other")
    store.pipe(f"/mirror/{RECORD_NAME}", b"{")
    with pytest.raises(WeightsError, match=f"its {RECORD_NAME} is damaged"):
        pull("memory://mirror", tmp_path / "third")


def test_a_record_on_the_hub_is_not_taken_for_a_file(hub, tmp_path):
    here = pull(NAME, tmp_path / "volume")
    hub.files[RECORD_NAME] = (here.folder / RECORD_NAME).read_bytes()
    assert_whole(pull(NAME, tmp_path / "weights"), hub.files)


def test_a_store_is_read_through_fsspec(hub: SmallHub, tmp_path: Path):
    store = MemoryFileSystem()
    for name, content in hub.files.items():
        store.pipe(f"/models/molmo2/{name}", content)
    pulled = pull("memory://models/molmo2", tmp_path / "weights")
    assert_whole(pulled, hub.files)
    assert (pulled.record.source, pulled.record.revision) == ("memory://models/molmo2", None)
    with pytest.raises(WeightsError, match="only the hub has revisions"):
        pull("memory://models/molmo2", tmp_path / "w", revision="main")
    with pytest.raises(WeightsError, match="nothing is there"):
        pull("memory://models/none", tmp_path / "w")
