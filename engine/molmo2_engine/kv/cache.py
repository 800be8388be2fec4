"""The keys and values of all tokens, in pages."""

from collections.abc import Sequence

import torch
from transformers import Molmo2TextConfig


class PagedCache:
    """One tensor of keys and one of values a layer: [pages, page tokens, kv heads, head size].

    A token's place is its page times ``page_tokens`` plus its offset in the page.
    """

    def __init__(
        self,
        config: Molmo2TextConfig,
        pages: int,
        page_tokens: int,
        dtype: torch.dtype,
        device: torch.device,
        scratch_tokens: int = 0,
        layer_devices: Sequence[torch.device] | None = None,
    ) -> None:
        """
        Args:
            scratch_tokens: room besides, for tokens of one pass that no later one sees.
            layer_devices: where each layer's pages are, if they are not all on ``device``.
        """
        scratch = -(-scratch_tokens // page_tokens)
        shape = (pages + 1 + scratch, page_tokens, config.num_key_value_heads, config.head_dim)
        layers = layer_devices or [device] * config.num_hidden_layers
        # Zeros, not empty: a masked position still takes part as 0 * value, and 0 * nan is nan.
        self.keys = [torch.zeros(shape, dtype=dtype, device=each) for each in layers]
        self.values = [torch.zeros(shape, dtype=dtype, device=each) for each in layers]
        self.pages = pages
        self.scratch = list(range(pages + 1, pages + 1 + scratch))
        self.page_tokens = page_tokens
        self.device = device

    def write(
        self, layer: int, places: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> None:
        """Keeps keys and values, each [tokens, kv heads, head size], at ``places`` [tokens]."""
        self.keys[layer].flatten(0, 1)[places] = keys
        self.values[layer].flatten(0, 1)[places] = values

    def copy_page(self, source: int, target: int) -> None:
        for layer in (*self.keys, *self.values):
            layer[target] = layer[source]

    def clear(self, pages: list[int]) -> None:
        """Forgets what is there: no number that is not one may reach whoever has them next."""
        for layer in (*self.keys, *self.values):
            layer[pages] = 0

    def places(self, pages: list[int], tokens: int) -> torch.Tensor:
        """The places of the first ``tokens`` of a list of pages."""
        starts = torch.tensor(pages, dtype=torch.int64, device=self.device) * self.page_tokens
        offsets = torch.arange(self.page_tokens, device=self.device)
        return (starts[:, None] + offsets).flatten()[:tokens]


def bytes_per_token(config: Molmo2TextConfig, dtype: torch.dtype) -> int:
    """What one token takes in the cache."""
    heads = 2 * config.num_hidden_layers * config.num_key_value_heads
    return heads * config.head_dim * dtype.itemsize
