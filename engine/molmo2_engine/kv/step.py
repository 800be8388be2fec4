"""The new tokens of some sequences in one forward pass: where they go and what they see."""

from functools import cached_property

import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.forward_pass import ForwardPass
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model.attention.paged import PagedAttention


class Step(ForwardPass):
    """A sequence has one new token (decode) or several (its question).

    The tokens of all sequences lie behind one another; attention alone sees them as rows, padded
    on the left.
    """

    def __init__(self, cache: PagedCache, tables: list[PageTable], counts: list[int]) -> None:
        """``counts``: the new tokens of each sequence; its table has pages for them."""
        size, device = cache.page_tokens, cache.device
        new = [
            (table.pages, range(table.tokens, table.tokens + count))
            for table, count in zip(tables, counts, strict=True)
        ]
        places = [pages[at // size] * size + at % size for pages, own in new for at in own]
        super().__init__(cache, torch.tensor(places, device=device))
        positions = [at for _, own in new for at in own]
        self.positions = torch.tensor(positions, device=device)
        """int64 [tokens]"""
        self._counts = counts
        lengths = [own.stop for _, own in new]
        most_pages = -(-max(lengths) // size)
        padded = [(pages + [0] * most_pages)[:most_pages] for pages, _ in new]
        self.tables = torch.tensor(padded, dtype=torch.int32, device=device)
        """Page numbers, int32 [rows, most pages]; 0 where a row has no more."""
        self.lengths = torch.tensor(lengths, dtype=torch.int32, device=device)
        """Tokens that each row will have, the new ones included, int32 [rows]."""
        self._attention = PagedAttention(self.tables, self.lengths, max(counts), size)

    @cached_property
    def last(self) -> torch.Tensor:
        """Which token is the newest of each sequence, int64 [rows]."""
        return torch.tensor(self._counts, device=self.cache.device).cumsum(0) - 1

    def attend(self, layer: int, query: torch.Tensor, scale: float) -> torch.Tensor:
        rows, widest = len(self._counts), max(self._counts)
        padded = query
        if len(query) < rows * widest:
            padded = query.new_zeros((rows * widest, *query.shape[1:]))
            padded.index_copy_(0, self._cells, query)
        keys, values = self.cache.keys[layer], self.cache.values[layer]
        seen = self._attention(padded.unflatten(0, (rows, widest)), keys, values, scale)
        return seen.flatten(0, 1)[self._cells] if padded is not query else seen.flatten(0, 1)

    @cached_property
    def _cells(self) -> torch.Tensor:
        """Where each token is among rows that are padded to the widest."""
        widest = max(self._counts)
        ends = range(widest, widest * len(self._counts) + 1, widest)
        cells = [
            at
            for end, count in zip(ends, self._counts, strict=True)
            for at in range(end - count, end)
        ]
        return torch.tensor(cells, device=self.cache.device)
