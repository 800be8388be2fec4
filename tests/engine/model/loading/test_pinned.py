"""Weights that are not what was pulled, or what an archive was built from, are not served."""

import hashlib
import json

import pytest
from shards import shard_with

from molmo2_contract.weights import RECORD_NAME, content_revision, files_read
from molmo2_engine.model.checkpoint import NotMolmo2, load
from molmo2_engine.model.loading import safetensors_file

HEAD = "lm_head.weight"


@pytest.fixture
def pulled(copied):
    """A folder with the record of its files."""
    files = {
        path.name: {
            "size": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in copied.iterdir()
    }
    record = {"source": "allenai/Molmo2-4B", "revision": "0123456", "files": files}
    (copied / RECORD_NAME).write_text(json.dumps(record))
    return copied


def flip_a_bit(path, at):
    with path.open("r+b") as file:
        file.seek(at, 2 if at < 0 else 0)
        (byte,) = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))


def loaded(folder, revision=None, verify=True):
    return load(str(folder), revision, "cpu", "float32", verify=verify).model.state_dict()


def revision_of(folder):
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files_read(folder)}
    return content_revision(digests)


@pytest.mark.parametrize("buffer_bytes", [4096, 2**20])
def test_what_was_pulled_loads_whatever_the_pieces(
    hub_folder, pulled, weights, monkeypatch, buffer_bytes
):
    expected = weights(hub_folder)
    monkeypatch.setattr(safetensors_file, "BUFFER_BYTES", buffer_bytes)
    for name, weight in loaded(pulled).items():
        assert weight.equal(expected[name]), name


@pytest.mark.parametrize("at", [-1, -50_000])
def test_a_flipped_bit_of_a_weight_is_refused_by_its_files_name(pulled, at):
    path = shard_with(pulled, HEAD)
    flip_a_bit(path, at)
    with pytest.raises(NotMolmo2, match=f"{path.name}: is not what was pulled, by its SHA-256"):
        loaded(pulled)


def test_a_flipped_bit_where_nothing_is_read_is_refused_too(pulled):
    path = shard_with(pulled, HEAD)
    text = path.read_bytes()
    flip_a_bit(path, text.index(b'"pt"') + 1)
    with pytest.raises(NotMolmo2, match=f"{path.name}: is not what was pulled"):
        loaded(pulled)


def test_so_is_a_tokenizer(pulled):
    tokenizer = pulled / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text() + " ")
    with pytest.raises(NotMolmo2, match=r"tokenizer\.json: is not what was pulled"):
        loaded(pulled)


def test_a_file_that_is_gone_or_was_not_pulled_is_named(pulled):
    record = json.loads((pulled / RECORD_NAME).read_text())
    del record["files"][shard_with(pulled, HEAD).name]
    (pulled / RECORD_NAME).write_text(json.dumps(record))
    with pytest.raises(NotMolmo2, match=r"safetensors: is not among what was pulled"):
        loaded(pulled)
    (pulled / "chat_template.jinja").unlink()
    with pytest.raises(NotMolmo2, match=r"chat_template\.jinja: was pulled and is not here"):
        loaded(pulled)


def test_a_damaged_record_is_refused(pulled):
    (pulled / RECORD_NAME).write_text("{")
    with pytest.raises(NotMolmo2, match=rf"{RECORD_NAME}: cannot be read"):
        loaded(pulled)


def test_it_can_be_left_out(pulled):
    flip_a_bit(shard_with(pulled, HEAD), -1)
    assert loaded(pulled, verify=False)


def test_another_revision_than_the_one_that_was_pulled_is_refused(pulled):
    assert loaded(pulled, "0123456")
    with pytest.raises(NotMolmo2, match="holds revision 0123456, and abcdef0 is to be served"):
        loaded(pulled, "abcdef0")


@pytest.mark.parametrize("name", ["weights", "tokenizer.json", "new.json"])
def test_a_folder_that_nobody_pulled_is_held_to_its_archives_revision(copied, name):
    revision = revision_of(copied)
    assert loaded(copied, revision)
    path = shard_with(copied, HEAD) if name == "weights" else copied / name
    path.touch()
    with path.open("ab") as file:
        file.write(b" ")
    with pytest.raises(NotMolmo2, match=f"is not what the archive was built from .{revision}"):
        loaded(copied, revision)
    assert loaded(copied, revision, verify=False)


def test_a_pull_from_where_there_are_no_commits_has_the_revision_of_its_content(pulled):
    record = json.loads((pulled / RECORD_NAME).read_text())
    (pulled / RECORD_NAME).write_text(json.dumps(record | {"revision": None}))
    assert loaded(pulled, revision_of(pulled))
    with pytest.raises(NotMolmo2, match="holds revision sha256:"):
        loaded(pulled, content_revision({}))
