"""The new tokens of some sequences in one forward pass: where they go and what they see."""

import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.table import PageTable


class Step:
    """Writes and reads the pages of each row; stands in for a transformers cache.

    A row is a sequence with one new token (decode) or several (its question). Rows are padded on
    the right: what pads a row repeats its last position, and is not written.
    """

    def __init__(self, cache: PagedCache, tables: list[PageTable], counts: list[int]) -> None:
        """``counts``: the new tokens of each row; its table has pages for them."""
        size, device = cache.page_tokens, cache.device
        before = torch.tensor([table.tokens for table in tables], device=device)
        new = torch.tensor(counts, device=device)
        order = torch.arange(max(counts), device=device)
        self._cache = cache
        self.last = new - 1
        """Of each row, the index of its last new token, [rows]."""
        self.positions = before[:, None] + torch.minimum(order, self.last[:, None])
        """[rows, most new tokens]"""
        pages = [table.pages for table in tables]
        widest = max(map(len, pages))
        self.tables = torch.tensor([p + [0] * (widest - len(p)) for p in pages], device=device)
        """Page numbers, [rows, most pages]; 0 where a row has no more."""
        self._real = order < new[:, None]
        places = self.tables.gather(1, self.positions // size) * size + self.positions % size
        self._places = places[self._real]

    @property
    def attends(self) -> torch.Tensor:
        """Bool [rows, 1, most new tokens, tokens in the pages]: what is not after itself."""
        columns = torch.arange(self.tables.shape[1] * self._cache.page_tokens)
        return (columns.to(self.positions.device) <= self.positions[..., None])[:, None]

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes [rows, kv heads, new, head size]; returns the same of all tokens in the pages."""
        new_keys, new_values = (x.transpose(1, 2)[self._real] for x in (keys, values))
        self._cache.write(layer, self._places, new_keys, new_values)
        gathered = self._cache.keys[layer][self.tables], self._cache.values[layer][self.tables]
        all_keys, all_values = (x.flatten(1, 2).transpose(1, 2) for x in gathered)
        return all_keys, all_values
