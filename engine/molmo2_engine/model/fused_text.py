"""transformers' text layers with a fifth of the kernels.

About sixty small kernels a layer cost a decode step more than reading the weights does, and a
prefill as much as half of its products. Here a layer is four products, attention, and what stands
between them fused. The weights stay those of the transformers modules, which go on working.
"""

from functools import cached_property
from types import ModuleType

import torch
from torch import nn
from transformers import Molmo2ForConditionalGeneration
from transformers.models.molmo2.modeling_molmo2 import Molmo2DecoderLayer

from molmo2_engine.kv.forward_pass import ForwardPass
from molmo2_engine.model.attention.fastest_kernel import fastest_kernel
from molmo2_engine.model.fused_linear import FusedLinear

_Rotation = tuple[torch.Tensor, torch.Tensor]


class FusedText:
    """Does what ``TransformersText`` does, with a model's own weights."""

    def __init__(
        self, model: Molmo2ForConditionalGeneration, operations: ModuleType | None = None
    ) -> None:
        """``operations``: ``kernels.operations`` or ``plain_operations``, by default as the model's
        device needs it.
        """
        self._do = operations or operations_for(model.device)
        self._text = model.model.language_model
        self._norm_after = self._text.config.norm_after
        self._layers = [
            _FusedLayer(layer, i, self._do) for i, layer in enumerate(self._text.layers)
        ]
        self._head = FusedLinear([model.lm_head])
        self._device = model.device

    @cached_property
    def media_kernel(self) -> str | None:
        """Measured when it is first asked for, on CUDA only."""
        if self._device.type != "cuda":
            return None
        config = self._text.config
        heads = config.num_attention_heads, config.num_key_value_heads
        return fastest_kernel(*heads, config.head_dim, self._text.dtype, self._device)

    @property
    def linears(self) -> list[FusedLinear]:
        """All products with weights, of whatever shape."""
        return [*(linear for layer in self._layers for linear in layer.linears), self._head]

    def states(
        self, embedded: torch.Tensor, positions: torch.Tensor, forward_pass: ForwardPass
    ) -> torch.Tensor:
        kinds = self._rotations(embedded, positions)
        rotations = [kinds[kind] for kind in self._text.rope_types]
        if self._norm_after:
            return self._norms_after(embedded, rotations, forward_pass)
        return self._norms_before(embedded, rotations, forward_pass)

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        return self._head(states).float()

    def _norms_before(
        self, total: torch.Tensor, rotations: list[_Rotation], forward_pass: ForwardPass
    ) -> torch.Tensor:
        """A layer's two parts read the norm of what all before them add up to."""
        states = self._do.rms_norm(total, *_norm(self._layers[0].attention_norm))
        following = [*(layer.attention_norm for layer in self._layers[1:]), self._text.norm]
        for layer, rotation, next_norm in zip(self._layers, rotations, following, strict=True):
            added = layer.attend(states, rotation, forward_pass)
            states = self._do.add_and_norm(total, added, *_norm(layer.feed_forward_norm))
            added = layer.feed_forward(states)
            states = self._do.add_and_norm(total, added, *_norm(next_norm))
        return states

    def _norms_after(
        self, total: torch.Tensor, rotations: list[_Rotation], forward_pass: ForwardPass
    ) -> torch.Tensor:
        """A layer's two parts read the sum, and add the norm of what they make of it."""
        for layer, rotation in zip(self._layers, rotations, strict=True):
            added = layer.attend(total, rotation, forward_pass)
            self._do.add_normed(total, added, *_norm(layer.attention_norm))
            added = layer.feed_forward(total)
            self._do.add_normed(total, added, *_norm(layer.feed_forward_norm))
        return self._do.rms_norm(total, *_norm(self._text.norm))

    def _rotations(self, embedded: torch.Tensor, positions: torch.Tensor) -> dict[str, _Rotation]:
        """Cosines and sines [tokens, head size], by the kinds that this checkpoint's layers use."""
        tables = {"scaled": self._text.rotary_emb, "unscaled": self._text.rotary_emb_unscaled}
        rotations = {}
        for kind in set(self._text.rope_types):
            cosines, sines = tables[kind](embedded, position_ids=positions[None])
            rotations[kind] = cosines[0], sines[0]
        return rotations


class _FusedLayer:
    """One layer's weights, its query, key and value weights as one, its gate and up as another."""

    def __init__(self, layer: Molmo2DecoderLayer, index: int, operations: ModuleType) -> None:
        attention, feed_forward = layer.self_attn, layer.mlp
        if feed_forward.act_fn.__class__.__name__ not in ("SiLUActivation", "SiLU"):
            raise NotImplementedError(f"{feed_forward.act_fn} as the gate of a feed-forward layer")
        self._do = operations
        self._index = index
        self._attention = attention
        self._per_head = attention.qk_norm_type == "qwen3"
        self._heads_width = attention.q_proj.out_features
        self._keys_width = attention.k_proj.out_features
        self._project = FusedLinear([attention.q_proj, attention.k_proj, attention.v_proj])
        self._out = FusedLinear([attention.o_proj])
        self._gate_and_up = FusedLinear([feed_forward.gate_proj, feed_forward.up_proj])
        self._down = FusedLinear([feed_forward.down_proj])
        self.attention_norm = layer.input_layernorm
        self.feed_forward_norm = layer.post_attention_layernorm

    @property
    def linears(self) -> list[FusedLinear]:
        return [self._project, self._out, self._gate_and_up, self._down]

    def attend(
        self, states: torch.Tensor, rotation: _Rotation, forward_pass: ForwardPass
    ) -> torch.Tensor:
        projected = self._project(states)
        query_norm, key_norm = self._attention.q_norm, self._attention.k_norm
        if not self._per_head:
            query, keys, _ = projected.split(
                [self._heads_width, self._keys_width, self._keys_width], dim=1
            )
            self._do.rms_norm(query, *_norm(query_norm), output=query)
            self._do.rms_norm(keys, *_norm(key_norm), output=keys)
        query = self._do.rotate_and_write(
            projected,
            *rotation,
            (query_norm.weight, key_norm.weight) if self._per_head else None,
            query_norm.variance_epsilon,
            forward_pass.cache.keys[self._index].flatten(0, 1),
            forward_pass.cache.values[self._index].flatten(0, 1),
            forward_pass.places,
        )
        attended = forward_pass.attend(self._index, query, self._attention.scaling)
        return self._out(attended.flatten(1))

    def feed_forward(self, states: torch.Tensor) -> torch.Tensor:
        return self._down(self._do.gate(self._gate_and_up(states)))


def operations_for(device: torch.device) -> ModuleType:
    if device.type == "cuda":
        from molmo2_engine.model.kernels import operations
    else:
        from molmo2_engine.model import plain_operations as operations
    return operations


def _norm(module: nn.Module) -> tuple[torch.Tensor, float]:
    return module.weight, module.variance_epsilon
