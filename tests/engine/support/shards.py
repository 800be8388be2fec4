"""The files of a checkpoint's weights, by what is in them."""

import json
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor


def shard_with(folder: Path, name: str) -> Path:
    """The file that holds the tensor of this name."""
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    return folder / index["weight_map"][name]


def change(folder: Path, name: str, tensor: Tensor | None) -> None:
    """Puts another tensor in its place, or takes it away."""
    path = shard_with(folder, name)
    tensors = load_file(path)
    if tensor is None:
        del tensors[name]
    else:
        tensors[name] = tensor
    save_file(tensors, path, metadata={"format": "pt"})
