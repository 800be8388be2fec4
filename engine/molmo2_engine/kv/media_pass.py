"""The tokens of one media prefix in one forward pass."""

from collections.abc import Sequence

import torch

from molmo2_engine.kv.cache import PagedCache
from molmo2_engine.kv.forward_pass import ForwardPass
from molmo2_engine.model.attention.media import media_attention


class MediaPass(ForwardPass):
    """Writes a prefix to its pages; its visual tokens see each other."""

    def __init__(
        self,
        cache: PagedCache,
        pages: list[int],
        visual: Sequence[bool],
        kernel: str | None = None,
        kept: int | None = None,
    ) -> None:
        """``visual`` says of each token whether it is; ``kernel``: as for ``media_attention``.

        Only the first ``kept`` tokens (by default all) stay in the pages; those behind them are in
        scratch pages until the next pass.
        """
        kept = len(visual) if kept is None else kept
        behind = cache.places(cache.scratch, len(visual) - kept)
        super().__init__(cache, torch.cat([cache.places(pages, kept), behind]))
        self._attention = media_attention(visual, cache.device, kernel)

    def attend(self, layer: int, query: torch.Tensor, scale: float) -> torch.Tensor:
        by_head = (
            pool[layer].flatten(0, 1)[self.places].transpose(0, 1)
            for pool in (self.cache.keys, self.cache.values)
        )
        return self._attention(query.transpose(0, 1), *by_head, scale).transpose(0, 1)
