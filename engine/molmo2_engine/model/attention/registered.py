"""The attention functions that transformers' layers are given.

Text layers have what a forward pass brings with it: transformers hands extra arguments of a forward
pass down to the registered function, so attention over media and over KV pages needs no copy of the
modelling code. The vision encoder attends in float32 whatever its weights are, as the released code
does (``float32_attention``) and transformers' own class does not.
"""

from collections.abc import Callable

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "molmo2_engine"
"""Of the attention implementation that a checkpoint's text model is loaded with."""

_VISION = "molmo2_engine_vision"
IMPLEMENTATIONS = {
    "": "sdpa",
    "text_config": NAME,
    "vision_config": _VISION,
    "adapter_config": _VISION,
}
"""For ``from_pretrained``."""

Attend = Callable[[int, torch.Tensor, float], torch.Tensor]
"""From a layer's index, its queries [tokens, heads, head size] and their scale to the same shape;
the keys and values went through the cache."""


def _attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    attend: Attend | None = None,
    **others: object,
) -> tuple[torch.Tensor, None]:
    """Without ``attend``, as in ``generate``, this is transformers' "sdpa" with its masks."""
    if attend is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
    return attend(module.layer_idx, query[0].transpose(0, 1), scaling)[None], None


def _vision_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    **others: object,
) -> tuple[torch.Tensor, None]:
    states = (query.float(), key.float(), value.float())
    output, _ = sdpa_attention_forward(module, *states, attention_mask, **others)
    return output.to(query.dtype), None


AttentionInterface.register(NAME, _attention)
AttentionInterface.register(_VISION, _vision_attention)
for name in (NAME, _VISION):
    AttentionMaskInterface.register(name, sdpa_mask)
