"""Where a training begins and what it leaves: folders in the layout of the checkpoints."""

import json
import shutil
from pathlib import Path

import torch
from transformers import AutoConfig, Molmo2ForConditionalGeneration


def read_model(folder: Path) -> Molmo2ForConditionalGeneration:
    """With the weights of a checkpoint, in float32."""
    return Molmo2ForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="sdpa", use_safetensors=True
    )


def random_model(folder: Path) -> Molmo2ForConditionalGeneration:
    """With random weights, in the sizes that the ``config.json`` of a folder says."""
    config = AutoConfig.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")
    return Molmo2ForConditionalGeneration(config)


def write_checkpoint(start: Path, target: Path, model: Molmo2ForConditionalGeneration) -> Path:
    """The files of ``start`` with other weights, in bfloat16; and without its model card.

    The card has the figures of other weights.
    """
    shutil.copytree(start, target, dirs_exist_ok=True)
    for path in (*target.glob("*.safetensors"), *target.glob("*.md")):
        path.unlink()
    model.to(torch.bfloat16).save_pretrained(target)
    config = json.loads((start / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}, indent=2) + "\n")
    return target
