"""The attention function of transformers' text layers: what a forward pass brings with it.

transformers hands extra arguments of a forward pass down to the registered function, so attention
over media and over KV pages needs no copy of the modelling code.
"""

from collections.abc import Callable

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "molmo2_engine"
"""Of the attention implementation that a checkpoint's text model is loaded with."""

IMPLEMENTATIONS = {"": "sdpa", "text_config": NAME}
"""For ``from_pretrained``: the vision encoder keeps PyTorch's own attention."""

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


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
