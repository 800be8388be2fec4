"""Attention with a mask, on a CPU: for few tokens, whose mask is small."""

import torch

from molmo2_engine.model.attention.attended import Attended


def attend_masked(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    seen: torch.Tensor,
    scale: float,
) -> Attended:
    """Each query attends to the keys that it sees; heads that share keys share them as views.

    Args:
        query: [heads, queries, head size].
        keys, values: [kv heads, keys, head size]; ``heads`` is a multiple of ``kv heads``.
        seen: bool [queries, keys].
    """
    heads, queries, size = query.shape
    grouped = query.unflatten(0, (keys.shape[0], -1))
    shared = [tensor[:, None].expand(-1, grouped.shape[1], -1, -1) for tensor in (keys, values)]
    mask = query.new_zeros(seen.shape).masked_fill_(~seen, -torch.inf)
    output, log_sum_exp = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        grouped, *shared, 0.0, False, attn_mask=mask[None, None], scale=scale
    )
    return Attended(output.reshape(heads, queries, size), log_sum_exp.reshape(heads, queries))
