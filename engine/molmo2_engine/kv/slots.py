"""The KV cache of the running sequences: one row, or slot, each.

The rows in use are always the first ones, so a decode step reads a view and copies nothing. A
transformers model only calls ``update`` of the cache that it is given: ``Prefill`` and ``Decode``
are what one forward pass writes and reads.
"""

import torch
from transformers import Molmo2TextConfig

from molmo2_engine.model.prefix import Prefix


class SlotCache:
    """Keys and values of ``slots`` sequences of at most ``length`` tokens."""

    def __init__(
        self,
        config: Molmo2TextConfig,
        slots: int,
        length: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        shape = (slots, config.num_key_value_heads, length, config.head_dim)
        layers = range(config.num_hidden_layers)
        # Zeros, not empty: a masked position still takes part as 0 * value, and 0 * nan is nan.
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in layers]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in layers]
        self.lengths: list[int] = []
        self.slots = slots

    @property
    def free(self) -> int:
        return self.slots - len(self.lengths)

    def take(self, prefix: Prefix) -> int:
        """Opens a slot that starts with ``prefix``; returns its row."""
        row = len(self.lengths)
        for mine, theirs in ((self.keys, prefix.keys), (self.values, prefix.values)):
            for layer, tensor in zip(mine, theirs, strict=True):
                layer[row, :, : prefix.tokens] = tensor
        self.lengths.append(prefix.tokens)
        return row

    def release(self, row: int) -> None:
        """Closes a slot; the last row in use moves into its place."""
        last = len(self.lengths) - 1
        used = max(self.lengths[row], self.lengths[last])
        for layer in (*self.keys, *self.values):
            if row != last:
                layer[row, :, :used] = layer[last, :, :used]
            layer[last, :, :used] = 0
        self.lengths[row] = self.lengths[last]
        self.lengths.pop()


class Prefill:
    """Appends ``count`` tokens to one row."""

    def __init__(self, cache: SlotCache, row: int, count: int) -> None:
        self._cache = cache
        self._row = row
        self.start = cache.lengths[row]
        self.end = self.start + count
        cache.lengths[row] = self.end

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes [1, kv heads, count, head size]; returns the row's [1, kv heads, end, head size]"""
        own_keys = self._cache.keys[layer][self._row : self._row + 1, :, : self.end]
        own_values = self._cache.values[layer][self._row : self._row + 1, :, : self.end]
        own_keys[:, :, self.start :] = keys
        own_values[:, :, self.start :] = values
        return own_keys, own_values


class Decode:
    """Appends one token to every row in use."""

    def __init__(self, cache: SlotCache) -> None:
        self._cache = cache
        device = cache.keys[0].device
        self.positions = torch.tensor(cache.lengths, device=device)
        self._rows = torch.arange(len(cache.lengths), device=device)
        self._longest = max(cache.lengths) + 1
        cache.lengths[:] = [length + 1 for length in cache.lengths]

    @property
    def attends(self) -> torch.Tensor:
        """Bool [rows, 1, 1, longest]: each row sees its own tokens."""
        columns = torch.arange(self._longest, device=self.positions.device)
        return (columns <= self.positions[:, None])[:, None, None]

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Takes [rows, kv heads, 1, head size]; returns [rows, kv heads, longest, head size]."""
        count = len(self._rows)
        all_keys, all_values = self._cache.keys[layer], self._cache.values[layer]
        all_keys[self._rows, :, self.positions] = keys[:, :, 0]
        all_values[self._rows, :, self.positions] = values[:, :, 0]
        return all_keys[:count, :, : self._longest], all_values[:count, :, : self._longest]
