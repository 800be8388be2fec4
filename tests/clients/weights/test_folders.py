"""A folder that is there already, and copies of what was pulled."""

import shutil
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from small_hub import COMMIT, NAME
from whole_weights import assert_whole

from molmo2_client.weights import WeightsError, download, pull
from molmo2_client.weights.pull import Listener
from molmo2_contract.weights import RECORD_NAME, WeightsRecord

FIRST = "model-00001-of-00002.safetensors"


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


def test_an_empty_folder_is_filled_where_it_is(hub, tmp_path, monkeypatch):
    (tmp_path / "weights").mkdir()
    monkeypatch.chdir(tmp_path / "weights")
    hub.cuts = {FIRST: [90_000] + [0] * download.ATTEMPTS}
    with pytest.raises(WeightsError):
        pull(NAME, Path("."))
    hub.asked.clear()
    assert_whole(pull(NAME, Path(".")), hub.files)
    assert (FIRST, "bytes=90000-") in hub.asked
    assert Path("config.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]  # nothing outside of a volume


def test_two_pulls_into_one_folder_are_never_mixed(hub, tmp_path):
    def finished(_):
        with pytest.raises(WeightsError, match="another pull is at work there"):
            pull(NAME, tmp_path / "weights")

    pulled = pull(NAME, tmp_path / "weights", listener=Listener(finished=finished))
    assert_whole(pulled, hub.files)


def test_a_folder_without_a_record_that_was_changed_is_not_taken_for_the_same(hub, tmp_path):
    source = pull(NAME, tmp_path / "volume").folder
    (source / RECORD_NAME).unlink()
    assert_whole(pull(str(source), tmp_path / "weights"), hub.files)
    assert not pull(str(source), tmp_path / "weights").fetched
    (source / FIRST).write_bytes(bytes(len(hub.files[FIRST])))
    with pytest.raises(WeightsError, match=f"{FIRST}: may not be what .*volume has now; remove"):
        pull(str(source), tmp_path / "weights")


def test_a_store_is_read_through_fsspec(hub, tmp_path):
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
