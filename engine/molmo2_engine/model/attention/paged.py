"""Attention of the newest tokens of some sequences to KV pages, in place.

Layout, of one layer: ``keys`` and ``values`` are [pages, page tokens, kv heads, head size]; a row
of ``tables`` names the pages of a sequence in order. Page 0 is scratch: padding writes there and
nobody reads it.
"""

import torch
import torch.nn.functional as F


def paged_attention(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    tables: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    """Each new token attends to its sequence up to itself; the last one to all of it.

    Args:
        query: [rows, new tokens, heads, head size]; ``heads`` is a multiple of ``kv heads``. A row
            may have new tokens that pad it on the left; what they get means nothing.
        keys, values: [pages, page tokens, kv heads, head size]; the new tokens' are written.
        tables: int32 [rows, widest], page ids; what lies beyond a row's length is not read.
        lengths: int32 [rows], tokens of the sequence, the new ones included; 0 is padding.

    Returns:
        [rows, new tokens, heads, head size]; zeros for padding.
    """
    if query.device.type == "cuda":
        from molmo2_engine.model.kernels import paged_attention as kernel

        return kernel.paged_attention(query, keys, values, tables, lengths, scale)
    return gathered_attention(query, keys, values, tables, lengths, scale)


def gathered_attention(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    tables: torch.Tensor,
    lengths: torch.Tensor,
    scale: float,
) -> torch.Tensor:
    """The same in plain PyTorch, on copies of the pages: what the kernels are tested against."""
    rows, new, heads, size = query.shape
    page_tokens, kv_heads = keys.shape[1], keys.shape[2]
    longest = max(int(lengths.max()), 1)
    pages = tables[:, : -(-longest // page_tokens)].flatten()
    # index_select copies whole pages; indexing by a list of lists is three times slower.
    own_keys, own_values = (
        pool.index_select(0, pages).view(rows, -1, kv_heads, size)[:, :longest].transpose(1, 2)
        for pool in (keys, values)
    )
    columns = torch.arange(longest, device=query.device)
    ahead = lengths[:, None] - torch.arange(new - 1, -1, -1, device=query.device)
    mask = columns < ahead.clamp(min=1)[:, :, None]
    # The heads that share a key head stand behind one another as more queries of one head.
    group = heads // kv_heads
    grouped = query.unflatten(2, (kv_heads, group)).permute(0, 2, 3, 1, 4).flatten(2, 3)
    output = F.scaled_dot_product_attention(
        grouped, own_keys, own_values, attn_mask=mask.repeat(1, group, 1)[:, None], scale=scale
    )
    output = output.unflatten(2, (group, new)).permute(0, 3, 1, 2, 4)
    output = output.reshape(rows, new, heads, size)
    return output.masked_fill((lengths == 0)[:, None, None, None], 0)
