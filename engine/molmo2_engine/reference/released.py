"""Loads a checkpoint with the code that lies in its folder, and with no other."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForImageTextToText, AutoProcessor

from molmo2_engine.devices import choose_device
from molmo2_engine.model.refused import CheckpointRefused
from molmo2_engine.settings import EngineSettings

TRANSFORMERS = "4.57.1"
"""The release that the model cards require; the code runs under no 5.x."""


class NotReleasedCode(CheckpointRefused):
    """Another transformers, a folder without its code, or settings that the code knows not of."""


@dataclass(frozen=True)
class Released:
    """A checkpoint's own processor and model. ``end_tokens`` are the ids that end an answer."""

    processor: Any
    model: Any
    end_tokens: frozenset[int]


def load(settings: EngineSettings) -> Released:
    """Raises:
    NotReleasedCode: saying what is missing, and where it is had.
    """
    _require_transformers()
    if settings.quantization != "none" or settings.gpus_per_engine != 1:
        raise NotReleasedCode(
            "quantization and gpus_per_engine are the engine's; the reference answers as its "
            "authors wrote it, on one device. Leave them out"
        )
    folder = Path(settings.checkpoint)
    _require_code(folder)
    device = choose_device(settings.device)
    processor = AutoProcessor.from_pretrained(folder, trust_remote_code=True)
    model = AutoModelForImageTextToText.from_pretrained(
        folder, trust_remote_code=True, use_safetensors=True, dtype=_dtype(settings.dtype, device)
    )
    model = model.to(device).eval().requires_grad_(False)
    return Released(processor, model, _end_tokens(model, processor.tokenizer))


def _require_transformers() -> None:
    if transformers.__version__ != TRANSFORMERS:
        raise NotReleasedCode(
            f"reference_python has transformers {transformers.__version__}; the released code "
            f"wants {TRANSFORMERS}. Make it an environment of its own: "
            "pip install 'molmo2-torchserve[reference]'"
        )


def _require_code(folder: Path) -> None:
    """Every class that the folder's files name must be in a file of the folder."""
    if not (folder / "config.json").is_file():
        raise NotReleasedCode(
            f"{folder}: the reference answers from a local folder, and there is no config.json in "
            "it; pull the weights first (molmo2 weights pull)"
        )
    named = list(_named_classes(folder))
    if not named:
        raise NotReleasedCode(
            f"{folder}: config.json names no code (auto_map); the reference wants a checkpoint in "
            "the layout of the released ones"
        )
    for name in named:
        module = folder / f"{name.split('.')[0]}.py"
        if "--" in name or not module.is_file():
            raise NotReleasedCode(
                f"{folder}: its code is not here ({name}); look at it, then put the .py files of "
                "its repository beside the weights, e.g. hf download allenai/Molmo2-4B "
                f"--include '*.py' --local-dir {folder}"
            )


def _named_classes(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*config.json")):
        classes = json.loads(path.read_text()).get("auto_map", {}).values()
        for name in classes:
            yield from [name] if isinstance(name, str) else filter(None, name)


def _dtype(name: str, device: str) -> torch.dtype:
    if name == "auto":
        return torch.float32 if device == "cpu" else torch.bfloat16
    return getattr(torch, name)


def _end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(i for i in (*ids, tokenizer.eos_token_id) if i is not None)
