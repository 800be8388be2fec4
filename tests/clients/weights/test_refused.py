"""What a pull is refused for, and what it then says to do."""

import shutil

import pytest
from small_hub import NAME
from whole_weights import assert_whole

from molmo2_client.weights import WeightsError, pull

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


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
    with pytest.raises(WeightsError, match=r"kB are missing and 100.0 kB are free; make room"):
        pull(NAME, tmp_path / "weights")
    assert hub.asked == []


def test_a_place_that_can_be_no_folder_is_said(hub, tmp_path):
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(WeightsError, match=r"weights: .*Not a directory"):
        pull(NAME, tmp_path / "letters.txt" / "weights")


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
