"""Loads a Molmo2 checkpoint with the native transformers class, from safetensors only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoTokenizer, Molmo2ForConditionalGeneration, PreTrainedTokenizerBase

from molmo2_contract.weights import READ
from molmo2_engine.devices import choose_device
from molmo2_engine.model.loading import UnfitWeights, layer_devices, load_model, pinned
from molmo2_engine.model.quantising import Quantization, quantise
from molmo2_engine.model.refused import CheckpointRefused, is_out_of_memory

_FILES = [f"*{suffix}" for suffix in READ]


class NotMolmo2(CheckpointRefused):
    """The folder does not hold a checkpoint that this engine can serve."""


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint. ``end_tokens`` are the ids that end an answer."""

    name: str
    revision: str | None
    folder: Path
    model: Molmo2ForConditionalGeneration
    tokenizer: PreTrainedTokenizerBase
    end_tokens: frozenset[int]

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def layer_devices(self) -> list[torch.device]:
        """Where each text layer and its KV pages are."""
        return layer_devices(self.model)

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype


def load(
    name: str,
    revision: str | None,
    device: str,
    dtype: str,
    quantization: Quantization = "none",
    spread: Sequence[tuple[torch.device, int]] | None = None,
    verify: bool = True,
) -> Checkpoint:
    """Loads ``name``, a folder or a hub repository, on ``device`` or over those of ``spread``.

    Args:
        spread: devices, and the bytes that weights may take of each.
        verify: whether to compare files with the digests of a pull, where there is its record, or
            else with a revision that is a digest.

    Raises:
        NotMolmo2: naming what is missing, of another kind, or not what was pulled.
        CheckpointRefused: if it cannot be had or does not fit, or a package is missing.
    """
    folder = _locate(name, revision)
    _require_molmo2(folder)
    place = torch.device(choose_device(device))
    try:
        held_to = pinned(folder, revision) if verify else None
        model = load_model(folder, place, _choose_dtype(dtype, place), spread, held_to)
        quantise(model, quantization)
    except UnfitWeights as error:
        raise NotMolmo2(str(error)) from error
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise CheckpointRefused(_does_not_fit(folder, place)) from error
    tokenizer = _load_tokenizer(folder)
    return Checkpoint(
        name=name,
        revision=revision,
        folder=folder,
        model=model,
        tokenizer=tokenizer,
        end_tokens=_end_tokens(model, tokenizer),
    )


def _locate(name: str, revision: str | None) -> Path:
    folder = Path(name)
    if folder.is_dir():
        return folder
    if folder.is_absolute() or name.startswith("."):
        raise NotMolmo2(f"{name}: there is no such folder")
    from huggingface_hub import errors, snapshot_download

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_FILES))
    except (OSError, ValueError, errors.HfHubHTTPError) as error:
        told = str(error).partition("\n")[0]
        raise CheckpointRefused(
            f"{name}: cannot be had from the hub ({type(error).__name__}: {told}); bring it here "
            f"(molmo2 weights pull {name} FOLDER), and build the archive from the folder"
        ) from error


def _does_not_fit(folder: Path, device: torch.device) -> str:
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    free = ""
    if device.type == "cuda":
        left, total = torch.cuda.mem_get_info(device)
        free = f", of which {left / 1e9:.1f} of {total / 1e9:.1f} GB are free now"
    return (
        f"{folder}: its weights, {stored / 1e9:.1f} GB as stored, do not fit in the memory of "
        f"{device}{free}. Load them in bfloat16 (dtype), name a larger GPU, or lay them over "
        "several (gpus_per_engine); int8 (quantization) makes room only once they are loaded"
    )


def _require_molmo2(folder: Path) -> None:
    try:
        kind = json.loads((folder / "config.json").read_text())["model_type"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotMolmo2(f"{folder}: config.json cannot be read: {error!r}") from error
    if kind != "molmo2":
        raise NotMolmo2(f"{folder}: model_type is {kind!r}; this engine serves 'molmo2' only")
    if not (folder / "processor_config.json").is_file():
        raise NotMolmo2(f"{folder}: processor_config.json is missing; pull the checkpoint again")


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        return AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        is_there = (folder / "tokenizer.json").is_file()
        told = str(error).partition("\n")[0]
        why = f": {told}" if is_there else ", tokenizer.json is missing; pull the checkpoint again"
        raise NotMolmo2(f"{folder}: its tokenizer cannot be read{why}") from error


def _choose_dtype(dtype: str, device: torch.device) -> torch.dtype:
    if dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return getattr(torch, dtype)


def _end_tokens(
    model: Molmo2ForConditionalGeneration, tokenizer: PreTrainedTokenizerBase
) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    ids = configured if isinstance(configured, list) else [configured]
    return frozenset(i for i in (*ids, tokenizer.eos_token_id) if i is not None)
