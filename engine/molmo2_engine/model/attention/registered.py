"""The attention function that transformers' text layers call: whatever a forward pass brings.

transformers passes extra arguments of a forward pass down to the registered function, so media
attention and paged attention need no copy of the modelling code.
"""

from collections.abc import Callable

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "molmo2_engine"
"""Of the attention implementation that a checkpoint's text model is loaded with."""

Attention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], torch.Tensor]
"""Query [batch, heads, tokens, head size], what the cache gave as keys and values, and the scale;
returns [batch, tokens, heads, head size]."""


def _attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    scaling: float,
    attention: Attention | None = None,
    **others: object,
) -> tuple[torch.Tensor, None]:
    """Without ``attention``, as in ``generate``, this is transformers' "sdpa" with its masks."""
    if attention is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, **others
        )
    return attention(query, key, value, scaling), None


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
