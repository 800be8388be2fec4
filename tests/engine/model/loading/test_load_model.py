"""Weights get from files to the model, whatever their layout."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from shards import shard_with
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.model.checkpoint import load
from molmo2_engine.model.loading import safetensors_file


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_hubs_layout_loads_as_transformers_loads_it(weights, hub_folder, dtype, monkeypatch):
    monkeypatch.setattr(safetensors_file, "BUFFER_BYTES", 4096)  # many pieces, one row too long
    ours = weights(hub_folder, dtype)
    theirs = Molmo2ForConditionalGeneration.from_pretrained(
        hub_folder, dtype=getattr(torch, dtype)
    ).state_dict()
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def test_transformers_own_names_load_too(weights, hub_folder, copied):
    expected = weights(hub_folder)
    for path in copied.glob("*.safetensors*"):
        path.unlink()
    save_file(expected, copied / "model.safetensors", metadata={"format": "pt"})
    assert all(torch.equal(expected[name], weight) for name, weight in weights(copied).items())


def test_what_transformers_saved_again_loads_too(weights, hub_folder, tmp_path):
    checkpoint = load(str(hub_folder), None, "cpu", "float32")
    checkpoint.model.save_pretrained(tmp_path)
    checkpoint.tokenizer.save_pretrained(tmp_path)
    shutil.copy(hub_folder / "processor_config.json", tmp_path)
    again = weights(tmp_path)
    for name, weight in checkpoint.model.state_dict().items():
        assert torch.equal(again[name], weight), name


def test_layers_of_the_vision_encoder_that_nobody_looks_at_are_left_out(
    weights, hub_folder, copied
):
    path = shard_with(copied, "model.vision_backbone.image_vit.patch_embedding.weight")
    unused = "model.vision_backbone.image_vit.transformer.resblocks.4.ffn_norm.weight"
    save_file(load_file(path) | {unused: torch.zeros(32)}, path)
    assert weights(copied).keys() == weights(hub_folder).keys()
