"""The new tokens of some sequences in one forward pass: where they go and what they see."""

import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.forward_pass import ForwardPass
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model.attention.paged import paged_attention


class Step(ForwardPass):
    """A row is a sequence with one new token (decode) or several (its question).

    Rows are padded on the left, so the last token of each row is its newest.
    """

    def __init__(self, cache: PagedCache, tables: list[PageTable], counts: list[int]) -> None:
        """``counts``: the new tokens of each row; its table has pages for them."""
        size, device, width = cache.page_tokens, cache.device, max(counts)
        lengths = [table.tokens + count for table, count in zip(tables, counts, strict=True)]
        most_pages = -(-max(lengths) // size)
        pages = [table.pages[:most_pages] for table in tables]
        padded = [own + [0] * (most_pages - len(own)) for own in pages]
        self.tables = torch.tensor(padded, dtype=torch.int32, device=device)
        """Page numbers, int32 [rows, most pages]; 0 where a row has no more."""
        self.lengths = torch.tensor(lengths, dtype=torch.int32, device=device)
        """Tokens that each row will have, the new ones included, int32 [rows]."""
        back = torch.arange(width, 0, -1, device=device)
        self.positions = (self.lengths.long()[:, None] - back).clamp(min=0)
        """int64 [rows, most new tokens]"""
        own_page = self.tables.long().gather(1, self.positions // size)
        places = own_page * size + self.positions % size
        new = torch.tensor(counts, device=device)
        super().__init__(cache, places.where(back <= new[:, None], 0).flatten())

    def attend(self, layer: int, query: torch.Tensor, scale: float) -> torch.Tensor:
        by_row = query.unflatten(0, self.positions.shape)
        keys, values = self.cache.keys[layer], self.cache.values[layer]
        seen = paged_attention(by_row, keys, values, self.tables, self.lengths, scale)
        return seen.flatten(0, 1)
