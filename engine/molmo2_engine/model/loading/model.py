"""Builds the model on its device and fills it from its files, without a copy on the way."""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from transformers import GenerationConfig, Molmo2Config, Molmo2ForConditionalGeneration
from transformers.initialization import no_init_weights

from molmo2_engine.model.attention.registered import IMPLEMENTATIONS
from molmo2_engine.model.loading.hub_names import Place, place_of
from molmo2_engine.model.loading.pinned import Pinned
from molmo2_engine.model.loading.placement import Placement, without_weights
from molmo2_engine.model.loading.safetensors_file import (
    DamagedFile,
    SafetensorsFile,
    StoredTensor,
    reading_buffer,
)
from molmo2_engine.model.loading.weight_files import UnfitWeights, weight_files
from molmo2_engine.model.refused import refused_if_unfit

_VISION_LAYER = re.compile(r"model\.vision_tower\.layers\.(\d+)\.")


@torch.no_grad()
def load_model(
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
    spread: Sequence[tuple[torch.device, int]] | None = None,
    pinned: Pinned | None = None,
) -> Molmo2ForConditionalGeneration:
    """The model of ``folder``, in the hub's layout or transformers' own, in ``dtype``.

    Host memory: on a GPU a buffer of 64 MiB, on a CPU the model besides.

    Args:
        spread: lay it over these devices instead, each with the bytes that it may take there.
        pinned: what the files are held to, by their digests.

    Raises:
        UnfitWeights: naming what is missing, of another shape, unknown, or damaged.
        CheckpointRefused: if its configuration describes no Molmo2.
        DoesNotFit: if the weights are more than the devices of ``spread`` hold.
    """
    paths = weight_files(folder)
    if pinned is not None:
        pinned.require_others()
    model = _empty_model(folder, device if spread is None else without_weights(), dtype)
    placement = Placement(model, spread) if spread else None
    filling = _Filling(model)
    buffer = reading_buffer(device)
    try:
        for path in paths:
            with SafetensorsFile(path, buffer, hashed=pinned is not None) as file:
                for tensor in file.tensors:
                    filling.take(file, tensor)
                if pinned is not None:
                    pinned.require(path, file.sha256())
        filling.finish()
        if pinned is not None:
            pinned.finish()
    except (DamagedFile, UnfitWeights) as error:
        raise UnfitWeights(f"{folder}: {error}") from None
    if placement is not None:
        placement.connect(model)
    return model.eval().requires_grad_(False)


def _empty_model(
    folder: Path, place: AbstractContextManager[object], dtype: torch.dtype
) -> Molmo2ForConditionalGeneration:
    """With memory for its weights where ``place`` makes it, and nothing in it."""
    with refused_if_unfit(f"{folder / 'config.json'}: describes no Molmo2"):
        config = Molmo2Config.from_pretrained(folder)
        with place, no_init_weights():
            model = Molmo2ForConditionalGeneration._from_config(
                config, dtype=dtype, attn_implementation=IMPLEMENTATIONS
            )
    path = folder / "generation_config.json"
    if path.is_file():
        with refused_if_unfit(f"{path}: cannot be read"):
            model.generation_config = GenerationConfig.from_pretrained(folder)
    return model


class _Filling:
    """Weights as they are filled, and how much of each is."""

    def __init__(self, model: Molmo2ForConditionalGeneration) -> None:
        self._model = model
        self._weights = dict(model.named_parameters())
        self._missing = {name: weight.shape[0] for name, weight in self._weights.items()}
        self._vision_layers = len(model.model.vision_tower.layers)

    def take(self, file: SafetensorsFile, tensor: StoredTensor) -> None:
        place = place_of(tensor.name)
        if self._is_unused(place):
            return
        targets = self._targets(place, tensor)
        for start, piece in file.pieces(tensor):
            _spread(targets, start, piece)

    def finish(self) -> None:
        if self._model.config.tie_word_embeddings and self._missing.get("lm_head.weight"):
            self._model.tie_weights()
            self._missing["lm_head.weight"] = 0
        if missing := [name for name, rows in self._missing.items() if rows > 0]:
            raise UnfitWeights(f"weights are missing, or a part of them: {_some(missing)}")
        if repeated := [name for name, rows in self._missing.items() if rows < 0]:
            raise UnfitWeights(f"weights are in more than one file: {_some(repeated)}")

    def _is_unused(self, place: Place) -> bool:
        """The vision encoder ends at the last layer that the adapter looks at."""
        layer = _VISION_LAYER.match(place.names[0])
        return layer is not None and int(layer[1]) >= self._vision_layers

    def _targets(self, place: Place, tensor: StoredTensor) -> list[torch.Tensor]:
        """The rows that ``tensor`` fills, in its order."""
        if unknown := [name for name in place.names if name not in self._weights]:
            raise UnfitWeights(f"{tensor.name}: the configuration has no {_some(unknown)}")
        whole = [self._weights[name] for name in place.names]
        if "embed_tokens" in place.names[0] and tensor.rows <= whole[0].shape[0]:
            first = whole[0].shape[0] - tensor.rows if place.at_the_end else 0
            whole = [whole[0][first : first + tensor.rows]]
        rows = sum(weight.shape[0] for weight in whole)
        if rows != tensor.rows or any(w.shape[1:] != tensor.row_shape for w in whole):
            shapes = [tuple(weight.shape) for weight in whole]
            raise UnfitWeights(f"{tensor.name}: is {tensor.shape}, and {shapes} was expected")
        for name, weight in zip(place.names, whole, strict=True):
            self._missing[name] -= weight.shape[0]
        return whole


def _spread(targets: list[torch.Tensor], start: int, piece: torch.Tensor) -> None:
    """Copies rows, the first of which is row ``start`` of all targets together."""
    for target in targets:
        rows = target.shape[0]
        if start < rows and len(piece):
            count = min(rows - start, len(piece))
            target[start : start + count].copy_(piece[:count])
            piece, start = piece[count:], start + count
        start -= rows


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(sorted(names)[:3]) + more
