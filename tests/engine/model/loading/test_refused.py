"""What is no checkpoint of Molmo2, or not all of one, is refused by name."""

import json
import shutil

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from shards import change, shard_with

from molmo2_engine.model.checkpoint import NotMolmo2, load
from molmo2_engine.model.refused import CheckpointRefused

HEAD = "lm_head.weight"
QUERIES = "model.transformer.blocks.0.self_attn.att_proj.weight"


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        (HEAD, None, "weights are missing, or a part of them: lm_head.weight"),
        (QUERIES, None, r"are missing, .*layers\.0\.self_attn\.k_proj\.weight"),
        (HEAD, torch.zeros(3, 4), r"lm_head.weight: is \(3, 4\), and \[\(384, 64\)\] was expected"),
        ("model.transformer.wte.new_embedding", torch.zeros(7, 64), "missing.*embed_tokens"),
        (HEAD, torch.zeros(384, 64, dtype=torch.int8), "lm_head.weight is of type I8; known are"),
    ],
)
def test_weights_that_do_not_fit_are_refused_by_name(weights, copied, name, tensor, message):
    change(copied, name, tensor)
    with pytest.raises(NotMolmo2, match=message):
        weights(copied)


def test_a_weight_that_no_molmo2_has_is_refused(weights, copied):
    path = shard_with(copied, HEAD)
    save_file(load_file(path) | {"model.expert.weight": torch.zeros(2)}, path)
    with pytest.raises(NotMolmo2, match=r"configuration has no model\.expert\.weight"):
        weights(copied)


def test_a_file_that_is_cut_off_is_refused(weights, copied):
    path = shard_with(copied, HEAD)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(NotMolmo2, match=f"{path.name}: ends within "):
        weights(copied)


def header(text):
    return len(text).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff" * 100, header("{]"), header("3"), header('{"a": 3}'), header("[]")],
)
def test_a_file_that_is_no_safetensors_is_refused(weights, copied, content):
    shard_with(copied, HEAD).write_bytes(content)
    with pytest.raises(NotMolmo2, match="its header cannot be read"):
        weights(copied)


def test_a_tensor_that_lies_before_the_data_is_refused(weights, copied):
    entry = '{"lm_head.weight": {"dtype": "F32", "shape": [1], "data_offsets": [-8, -4]}}'
    shard_with(copied, HEAD).write_bytes(header(entry))
    with pytest.raises(NotMolmo2, match=r"header cannot be read: lm_head.weight takes bytes -8"):
        weights(copied)


def test_a_file_that_the_index_does_not_name_is_not_read(weights, hub_folder, copied):
    (copied / "consolidated.safetensors").write_bytes(b"of somebody else")
    assert weights(copied).keys() == weights(hub_folder).keys()


def test_weights_that_two_files_hold_are_refused(weights, copied):
    shutil.copy(shard_with(copied, HEAD), copied / "model-copy.safetensors")
    (copied / "model.safetensors.index.json").unlink()
    with pytest.raises(NotMolmo2, match=r"weights are in more than one file: .*lm_head\.weight"):
        weights(copied)


def test_a_file_that_the_index_names_and_is_not_there_is_named(weights, copied):
    path = shard_with(copied, HEAD)
    path.unlink()
    with pytest.raises(NotMolmo2, match=f"{path.name}: named by model.safetensors.index.json and"):
        weights(copied)


@pytest.mark.parametrize("content", ["", "[]", '{"weight_map": 3}'])
def test_an_index_that_cannot_be_read_is_refused(weights, copied, content):
    (copied / "model.safetensors.index.json").write_text(content)
    with pytest.raises(NotMolmo2, match=r"index\.json: cannot be read"):
        weights(copied)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tokenizer.json", "its tokenizer cannot be read, tokenizer.json is missing"),
        ("processor_config.json", "processor_config.json is missing"),
        ("config.json", "config.json cannot be read"),
    ],
)
def test_what_is_missing_beside_the_weights_is_named(copied, name, told):
    (copied / name).unlink()
    with pytest.raises(NotMolmo2, match=told):
        load(str(copied), None, "cpu", "float32")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("config.json", "[]", r"config\.json cannot be read: TypeError"),
        ("config.json", "3", r"config\.json cannot be read: TypeError"),
        ("config.json", "{}", r"config\.json cannot be read: KeyError"),
        (
            "config.json",
            '{"model_type": "molmo2", "text_config": {"hidden_size": "x"}}',
            "describes no Molmo2: .*Field 'hidden_size' expected int, got str",
        ),
        (
            "config.json",
            '{"model_type": "molmo2", "text_config": {"num_attention_heads": 0}}',
            "describes no Molmo2: .*",
        ),
        ("generation_config.json", "{", r"generation_config\.json: cannot be read: OSError"),
    ],
)
def test_a_configuration_that_describes_no_molmo2_is_refused_in_a_line(copied, name, content, told):
    (copied / name).write_text(content)
    with pytest.raises(CheckpointRefused, match=told) as refused:
        load(str(copied), None, "cpu", "float32")
    assert "\n" not in str(refused.value)


def test_weights_that_no_memory_holds_are_refused_with_what_makes_room(copied):
    config = json.loads((copied / "config.json").read_text())
    config["text_config"]["vocab_size"] = 10**12
    (copied / "config.json").write_text(json.dumps(config))
    told = r"its weights, \S+ GB as stored, do not fit in the memory of cpu.*gpus_per_engine"
    with pytest.raises(CheckpointRefused, match=told):
        load(str(copied), None, "cpu", "float32")


def test_a_hub_that_cannot_be_reached_is_told_with_what_needs_none(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    told = r"nobody/no-Molmo2: cannot be had from the hub \(.*molmo2 weights pull nobody/no-Molmo2"
    with pytest.raises(CheckpointRefused, match=told):
        load("nobody/no-Molmo2", None, "cpu", "float32")


def test_another_model_and_pickled_weights_are_refused(weights, copied):
    for path in copied.glob("*.safetensors"):
        path.unlink()
    with pytest.raises(NotMolmo2, match=r"there are no weights \(\*\.safetensors\)$"):
        weights(copied)
    (copied / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(NotMolmo2, match="those here are pickled, and reading pickles runs code"):
        weights(copied)
    (copied / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(NotMolmo2, match="model_type is 'llama'; this engine serves 'molmo2' only"):
        weights(copied)
