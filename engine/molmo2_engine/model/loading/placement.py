"""Which layers lie on which device, where a checkpoint does not fit on one.

accelerate finds the map from the memory of each device, and its hooks move what a layer reads to
where the layer is. One device works at a time: this is to serve at all, not to serve fast.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import torch
from torch import nn
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.model.optional_packages import require
from molmo2_engine.model.refused import CheckpointRefused


class DoesNotFit(CheckpointRefused):
    """The devices together are too small."""


def without_weights() -> AbstractContextManager[object]:
    """Models that are made inside have no memory for their weights, but what they compute at once.

    Raises:
        MissingPackage: if accelerate is not installed.
    """
    require("accelerate", extra="split", wanted_by="gpus_per_engine")
    from accelerate import init_empty_weights

    return init_empty_weights()


class Placement:
    """A model's parts on several devices, each layer whole on one of them."""

    def __init__(
        self, model: Molmo2ForConditionalGeneration, free: Sequence[tuple[torch.device, int]]
    ) -> None:
        """Gives the weights of ``model``, which has none, memory where they belong.

        ``free``: the devices, and the bytes that weights may take of each.

        Raises:
            DoesNotFit: if they do not hold the weights.
        """
        from accelerate import infer_auto_device_map

        self._devices = [device for device, _ in free]
        found = infer_auto_device_map(
            model,
            max_memory=dict(enumerate(_shares(model, [room for _, room in free]))),
            no_split_module_classes=model._no_split_modules,
        )
        if outside := [name for name, place in found.items() if not isinstance(place, int)]:
            raise DoesNotFit(
                f"the weights do not fit on {len(free)} devices: {outside[0]} and what follows "
                "it finds no room. Raise gpus_per_engine or gpu_memory_fraction"
            )
        self.numbers: dict[str, int] = found
        """Of modules, by their names: where in ``free`` their device stands."""
        for path, module in model.named_modules():
            for name, weight in list(module.named_parameters(recurse=False)):
                room = torch.empty_like(weight, device=self._device(f"{path}.{name}"))
                setattr(module, name, nn.Parameter(room, requires_grad=False))

    def connect(self, model: Molmo2ForConditionalGeneration) -> None:
        """From now on each module moves what it reads to its own device."""
        from accelerate import dispatch_model

        places = {name: self._devices[number] for name, number in self.numbers.items()}
        dispatch_model(model, places, force_hooks=True)

    def _device(self, weight: str) -> torch.device:
        parts = weight.split(".")
        prefixes = [".".join(parts[:length]) for length in range(len(parts), -1, -1)]
        number = next(self.numbers[prefix] for prefix in prefixes if prefix in self.numbers)
        return self._devices[number]


def is_split(model: Molmo2ForConditionalGeneration) -> bool:
    """Whether accelerate has laid the model over devices."""
    return hasattr(model, "hf_device_map")


def layer_devices(model: Molmo2ForConditionalGeneration) -> list[torch.device]:
    """Where each text layer is."""
    if not is_split(model):
        return [model.device] * model.config.text_config.num_hidden_layers
    return [layer.input_layernorm.weight.device for layer in model.model.language_model.layers]


def _shares(model: Molmo2ForConditionalGeneration, free: list[int]) -> list[int]:
    """What weights may take of each device: a part by its memory, so that pages fit beside them.

    A device takes whole layers, so all but the last may take one more than their part; on the first
    accelerate keeps room besides for the largest module, as if others were to be brought there.
    """
    total = _bytes(model)
    layer = _bytes(model.model.language_model.layers[0])
    kept = max(layer, _bytes(model.get_input_embeddings()), _bytes(model.lm_head))
    parts = [total * one // sum(free) + layer for one in free]
    parts[0] += kept
    return [min(part, one) for part, one in zip(parts[:-1], free, strict=False)] + free[-1:]


def _bytes(module: nn.Module) -> int:
    return sum(weight.nbytes for weight in module.parameters())
