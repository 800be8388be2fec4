"""transformers' vision encoder with fewer passes over memory, for CUDA.

Query, key and value are one product, the activation is part of the product before it, and only the
layers that are read are kept. The weights stay those of the transformers modules.
"""

import torch
import torch.nn.functional as F
from torch import nn
from transformers import Molmo2ForConditionalGeneration
from transformers.models.molmo2.modeling_molmo2 import Molmo2VisionEncoderLayer

from molmo2_engine.model.fused_linear import FusedLinear


class FusedVision:
    """Does what ``TransformersVision`` does."""

    def __init__(self, model: Molmo2ForConditionalGeneration) -> None:
        self._tower = model.model.vision_tower
        self._adapter = model.model.multi_modal_projector
        layers = self._tower.layers
        self._read = [i % len(layers) for i in self._adapter.config.vision_feature_layer]
        self._layers = [_FusedLayer(layer) for layer in layers[: max(self._read) + 1]]
        self.device = model.device

    def __call__(self, patches: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        states = self._tower.patch_embedding(patches.to(self._tower.dtype))
        states = states + self._tower.positional_embedding
        kept = {}
        for index, layer in enumerate(self._layers):
            states = layer(states)
            if index in self._read:
                kept[index] = states
        features = torch.cat([kept[index] for index in self._read], -1)
        return self._adapter(features, windows).last_hidden_state


class _FusedLayer:
    """One layer of the encoder; takes and returns [crops, patches, hidden]."""

    def __init__(self, layer: Molmo2VisionEncoderLayer) -> None:
        attention = layer.self_attn
        if attention.num_key_value_groups != 1:
            raise NotImplementedError("a vision encoder whose query heads share key heads")
        if layer.mlp.config.hidden_act != "gelu_pytorch_tanh":
            raise NotImplementedError(f"{layer.mlp.config.hidden_act} in a vision encoder")
        self._layer = layer
        self._head_size = attention.head_dim
        self._project = FusedLinear([attention.q_proj, attention.k_proj, attention.v_proj])

    def __call__(self, states: torch.Tensor) -> torch.Tensor:
        states = states + self._attend(self._layer.layer_norm1(states))
        hidden = _linear_gelu(self._layer.mlp.fc1, self._layer.layer_norm2(states))
        return states + self._layer.mlp.fc2(hidden)

    def _attend(self, states: torch.Tensor) -> torch.Tensor:
        projected = self._project(states.flatten(0, 1)).unflatten(0, states.shape[:2])
        by_head = projected.unflatten(-1, (3, -1, self._head_size)).permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(*by_head, scale=self._layer.self_attn.scaling)
        return self._layer.self_attn.o_proj(seen.transpose(1, 2).flatten(2))


def _linear_gelu(linear: nn.Linear, states: torch.Tensor) -> torch.Tensor:
    """The tanh form of GELU after a product; CUDA's products can do both in one."""
    if states.device.type != "cuda":
        return F.gelu(linear(states), approximate="tanh")
    flat = torch._addmm_activation(
        linear.bias, states.flatten(0, -2), linear.weight.t(), use_gelu=True
    )
    return flat.unflatten(0, states.shape[:-1])
