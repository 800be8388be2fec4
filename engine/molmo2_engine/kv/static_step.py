"""One new token for each of some sequences, in tensors that keep their places in memory."""

from collections.abc import Sequence

import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.forward_pass import ForwardPass
from molmo2_engine.kv.table import PageTable
from molmo2_engine.model.attention.paged import PagedAttention


class StaticStep(ForwardPass):
    """What a captured decode step reads. Rows without a sequence pad it: they have length 0.

    ``fill`` says which sequences are next; ``locate`` is part of what is captured.
    """

    def __init__(self, cache: PagedCache, rows: int, pages_a_row: int) -> None:
        super().__init__(cache, torch.zeros(rows, dtype=torch.int64, device=cache.device))
        self.rows = rows
        self.positions = torch.zeros_like(self.places)
        self._lengths = torch.zeros_like(self.places, dtype=torch.int32)
        self._numbers = _Mirrored((2, rows), torch.int64, cache.device)
        self._tables = _Mirrored((rows, pages_a_row), torch.int32, cache.device)
        self._held: list[list[int]] = [[] for _ in range(rows)]

    @property
    def tokens(self) -> torch.Tensor:
        """int64 [rows]: the token that each row reads."""
        return self._numbers.device[0]

    def fill(self, tables: Sequence[PageTable], tokens: Sequence[int]) -> None:
        """Takes at most ``rows`` sequences, whose pages have room for the token."""
        self._numbers.host.zero_()
        self._numbers.host[0, : len(tokens)] = torch.tensor(tokens)
        self._numbers.host[1, : len(tables)] = torch.tensor([t.tokens + 1 for t in tables])
        self._numbers.send()
        if self._take_pages([table.pages for table in tables]):
            self._tables.send()

    def _take_pages(self, pages: list[list[int]]) -> bool:
        """Whether any row's pages are not those of the step before."""
        changed = False
        for row, own in enumerate([*pages, *([[]] * (self.rows - len(pages)))]):
            if own != self._held[row]:
                self._tables.host[row].zero_()
                self._tables.host[row, : len(own)] = torch.tensor(own, dtype=torch.int32)
                self._held[row] = own
                changed = True
        return changed

    def locate(self) -> None:
        """Finds out where the new tokens go; padding goes to the page that nobody reads."""
        size = self.cache.page_tokens
        self._lengths.copy_(self._numbers.device[1])
        self.positions.copy_((self._lengths - 1).clamp(min=0))
        page = self._tables.device.gather(1, (self.positions // size)[:, None])[:, 0]
        self.places.copy_(page.long() * size + self.positions % size)

    def attend(self, layer: int, query: torch.Tensor, scale: float) -> torch.Tensor:
        attention = PagedAttention(self._tables.device, self._lengths, 1, self.cache.page_tokens)
        keys, values = self.cache.keys[layer], self.cache.values[layer]
        return attention(query[:, None], keys, values, scale)[:, 0]


class _Mirrored:
    """A tensor on the device, and where the CPU writes what is to come there."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        self.device = torch.zeros(shape, dtype=dtype, device=device)
        self.host = torch.zeros(shape, dtype=dtype, pin_memory=device.type == "cuda")

    def send(self) -> None:
        """Waits for nothing. The step before must have been read when the CPU writes again."""
        self.device.copy_(self.host, non_blocking=True)
