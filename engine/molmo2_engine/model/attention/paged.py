"""Attention of the newest tokens of some sequences to KV pages, in place.

Layout, of one layer: ``keys`` and ``values`` are [pages, page tokens, kv heads, head size]; a row
of ``tables`` names the pages of a sequence in order. Page 0 is scratch: padding writes there and
nobody reads it.
"""

from functools import cached_property

import torch
import torch.nn.functional as F


class PagedAttention:
    """Each new token attends to its sequence up to itself; the last one to all of it.

    The same in every layer of a forward pass.
    """

    def __init__(
        self, tables: torch.Tensor, lengths: torch.Tensor, new: int, page_tokens: int
    ) -> None:
        """
        Args:
            tables: int32 [rows, widest], page ids; what lies beyond a row's length is not read.
            lengths: int32 [rows], tokens of the sequence, the new ones included; 0 is padding.
            new: tokens of each row, those that pad it on the left included.
        """
        self._tables = tables
        self._lengths = lengths
        self._new = new
        self._page_tokens = page_tokens

    def __call__(
        self, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
    ) -> torch.Tensor:
        """
        Args:
            query: [rows, new, heads, head size]; ``heads`` is a multiple of ``kv heads``. What the
                tokens get that pad a row means nothing.
            keys, values: [pages, page tokens, kv heads, head size]; the new tokens' are written.

        Returns:
            [rows, new, heads, head size]; zeros for padding.
        """
        if query.device.type != "cuda":
            return self.gathered(query, keys, values, scale)
        from molmo2_engine.model.kernels.paged_attention import paged_attention

        return paged_attention(query, keys, values, self._tables, self._lengths, scale)

    def gathered(
        self, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
    ) -> torch.Tensor:
        """In plain PyTorch, on copies of the pages: what the kernel is tested against."""
        rows, new, heads, size = query.shape
        kv_heads = keys.shape[2]
        # index_select copies whole pages; indexing by a list of lists is three times slower.
        own_keys, own_values = (
            pool.index_select(0, self._pages).view(rows, -1, kv_heads, size).transpose(1, 2)
            for pool in (keys, values)
        )
        # The heads that share a key head stand behind one another as more queries of one head.
        group = heads // kv_heads
        grouped = query.unflatten(2, (kv_heads, group)).permute(0, 2, 3, 1, 4).flatten(2, 3)
        mask = self._mask.repeat(1, group, 1) if new > 1 else self._mask
        output = F.scaled_dot_product_attention(
            grouped, own_keys, own_values, attn_mask=mask[:, None], scale=scale
        )
        output = output.unflatten(2, (group, new)).permute(0, 3, 1, 2, 4)
        output = output.reshape(rows, new, heads, size)
        return output.masked_fill_(self._padding, 0) if self._padding is not None else output

    @cached_property
    def _pages(self) -> torch.Tensor:
        """Those of all rows, one after another, as many of each as the longest has."""
        most = -(-max(int(self._lengths.max()), 1) // self._page_tokens)
        return self._tables[:, :most].flatten()

    @cached_property
    def _mask(self) -> torch.Tensor:
        """What each new token may see of its row's pages: bool [rows, new, tokens]."""
        lengths = self._lengths[:, None]
        ahead = lengths - torch.arange(self._new - 1, -1, -1, device=lengths.device)
        tokens = len(self._pages) // len(lengths) * self._page_tokens
        columns = torch.arange(tokens, device=lengths.device)
        return columns < ahead.clamp(min=1)[:, :, None]

    @cached_property
    def _padding(self) -> torch.Tensor | None:
        empty = self._lengths == 0
        return empty[:, None, None, None] if empty.any() else None
