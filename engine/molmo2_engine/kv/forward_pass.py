"""What one forward pass adds to the KV pages, and how its queries attend to them."""

from abc import ABC, abstractmethod

import torch

from molmo2_engine.kv.cache import PagedCache


class ForwardPass(ABC):
    """Some new tokens, of one sequence or of many; stands in for a transformers cache."""

    def __init__(self, cache: PagedCache, places: torch.Tensor) -> None:
        """``places``: where in the cache each new token goes, int64 [tokens].

        A token that only pads goes to place 0, in the page that nobody reads.
        """
        self.cache = cache
        self.places = places

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *_: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keeps the new tokens' [1, kv heads, tokens, head size] in the pages."""
        own_keys, own_values = (new[0].transpose(0, 1) for new in (keys, values))
        self.cache.write(layer, self.places, own_keys, own_values)
        return keys, values

    @abstractmethod
    def attend(self, layer: int, query: torch.Tensor, scale: float) -> torch.Tensor:
        """What each new token sees in the pages: [tokens, heads, head size], as ``query`` is."""
