"""The text model on several devices; each layer's KV pages lie where the layer does."""

import copy
from typing import Any

import torch

from molmo2_engine.kv.forward_pass import ForwardPass
from molmo2_engine.model.text import TransformersText


class SplitText(TransformersText):
    """transformers' layers, between which accelerate moves what they read."""

    def states(
        self, embedded: torch.Tensor, positions: torch.Tensor, forward_pass: ForwardPass
    ) -> torch.Tensor:
        everywhere = _OnEachDevice(forward_pass)
        return super().states(embedded, positions, everywhere).to(embedded.device)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        return super().logits(states).to(states.device)


class _OnEachDevice:
    """A forward pass as each device needs it: its numbers are copied there once."""

    def __init__(self, forward_pass: ForwardPass) -> None:
        self._copies = {forward_pass.places.device: forward_pass}
        self._original = forward_pass

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self._on(keys.device).update(keys, values, layer)

    def attend(self, layer: int, query: torch.Tensor, scale: float) -> torch.Tensor:
        return self._on(query.device).attend(layer, query, scale)

    def _on(self, device: torch.device) -> ForwardPass:
        if device not in self._copies:
            self._copies[device] = moved(self._original, device)
        return self._copies[device]


def moved(thing: Any, device: torch.device) -> Any:
    """A copy of one of our objects, and of ours in it, whose tensors are on ``device``.

    Lists are shared, a cache's pages among them: each layer's are where the layer is.
    """
    if isinstance(thing, torch.Tensor):
        return thing.to(device)
    if isinstance(thing, torch.device):
        return device
    if not type(thing).__module__.startswith("molmo2_engine."):
        return thing
    twin = copy.copy(thing)
    vars(twin).update({name: moved(value, device) for name, value in vars(thing).items()})
    return twin
