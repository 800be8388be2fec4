"""Weights get from files to the model, whatever their layout, or it is said why not."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from hub_checkpoint import KINDS, write_hub_checkpoint
from safetensors.torch import load_file, save_file
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.model.checkpoint import NotMolmo2, load
from molmo2_engine.model.loading import safetensors_file


@pytest.fixture(scope="module", params=KINDS)
def hub_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hub_checkpoint(tmp_path_factory.mktemp("hub"), KINDS[request.param])


@pytest.fixture
def copied(hub_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(hub_folder, tmp_path / "copy")


def shard_with(folder: Path, name: str) -> Path:
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    return folder / index["weight_map"][name]


def change(folder: Path, name: str, tensor: torch.Tensor | None) -> None:
    path = shard_with(folder, name)
    tensors = load_file(path)
    if tensor is None:
        del tensors[name]
    else:
        tensors[name] = tensor
    save_file(tensors, path, metadata={"format": "pt"})


def weights(folder: Path, dtype: str = "float32") -> dict[str, torch.Tensor]:
    return load(str(folder), None, "cpu", dtype).model.state_dict()


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_hubs_layout_loads_as_transformers_loads_it(hub_folder, dtype, monkeypatch):
    monkeypatch.setattr(safetensors_file, "BUFFER_BYTES", 4096)  # many pieces, one row too long
    ours = weights(hub_folder, dtype)
    theirs = Molmo2ForConditionalGeneration.from_pretrained(
        hub_folder, dtype=getattr(torch, dtype)
    ).state_dict()
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


def test_transformers_own_names_load_too(hub_folder, copied):
    expected = weights(hub_folder)
    for path in copied.glob("*.safetensors*"):
        path.unlink()
    save_file(expected, copied / "model.safetensors", metadata={"format": "pt"})
    assert all(torch.equal(expected[name], weight) for name, weight in weights(copied).items())


def test_what_transformers_saved_again_loads_too(hub_folder, tmp_path):
    checkpoint = load(str(hub_folder), None, "cpu", "float32")
    checkpoint.model.save_pretrained(tmp_path)
    checkpoint.tokenizer.save_pretrained(tmp_path)
    again = weights(tmp_path)
    for name, weight in checkpoint.model.state_dict().items():
        assert torch.equal(again[name], weight), name


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
def test_weights_that_do_not_fit_are_refused_by_name(copied, name, tensor, message):
    change(copied, name, tensor)
    with pytest.raises(NotMolmo2, match=message):
        weights(copied)


def test_a_weight_that_no_molmo2_has_is_refused(copied):
    path = shard_with(copied, HEAD)
    save_file(load_file(path) | {"model.expert.weight": torch.zeros(2)}, path)
    with pytest.raises(NotMolmo2, match=r"configuration has no model\.expert\.weight"):
        weights(copied)


def test_layers_of_the_vision_encoder_that_nobody_looks_at_are_left_out(hub_folder, copied):
    path = shard_with(copied, "model.vision_backbone.image_vit.patch_embedding.weight")
    unused = "model.vision_backbone.image_vit.transformer.resblocks.4.ffn_norm.weight"
    save_file(load_file(path) | {unused: torch.zeros(32)}, path)
    assert weights(copied).keys() == weights(hub_folder).keys()


def test_a_file_that_is_cut_off_is_refused(copied):
    path = shard_with(copied, HEAD)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(NotMolmo2, match=f"{path.name}: ends within "):
        weights(copied)


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{]"])
def test_a_file_that_is_no_safetensors_is_refused(copied, content):
    shard_with(copied, HEAD).write_bytes(content)
    with pytest.raises(NotMolmo2, match="its header cannot be read"):
        weights(copied)


def test_another_model_and_pickled_weights_are_refused(copied):
    for path in copied.glob("*.safetensors"):
        path.unlink()
    (copied / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(NotMolmo2, match=r"there are no weights \(\*\.safetensors\)"):
        weights(copied)
    (copied / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(NotMolmo2, match="model_type is 'llama'; this engine serves 'molmo2' only"):
        weights(copied)
