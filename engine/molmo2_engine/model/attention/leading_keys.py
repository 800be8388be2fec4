"""Attention of each query to the first so many keys: a staircase instead of a mask.

Causal attention is the staircase 1, 2, 3, …; what a video's frames see of the timestamps before
them is another one. It may continue what the queries have seen of other keys.
"""

from collections.abc import Sequence

import torch

from molmo2_engine.model.attention.attended import Attended, merge
from molmo2_engine.model.attention.masked import attend_masked

_MASK_ELEMENTS = 2**22
"""What a mask may hold: few queries at once where there are many keys."""


class Staircase:
    """How many leading keys each query sees. The counts never fall.

    Raises:
        ValueError: if a query sees nothing, or less than the one before it.
    """

    def __init__(self, seen: Sequence[int], device: torch.device) -> None:
        if any(count < 1 for count in seen) or list(seen) != sorted(seen):
            raise ValueError("every query must see a key, and no fewer than the query before it")
        self.counts = list(seen)
        self.seen = torch.tensor(self.counts, dtype=torch.int32, device=device)
        """int32 [queries]."""


def attend_to_leading(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    staircase: Staircase,
    scale: float,
    after: Attended | None = None,
) -> torch.Tensor:
    """Query ``i`` attends to the first ``staircase.seen[i]`` keys, and to what ``after`` holds.

    Args:
        query: [heads, queries, head size].
        keys, values: [kv heads, keys, head size]; ``heads`` is a multiple of ``kv heads``.

    Returns:
        [heads, queries, head size].
    """
    if query.device.type == "cuda":
        from molmo2_engine.model.kernels.leading_attention import leading_attention

        return leading_attention(query, keys, values, staircase.seen, scale, after)
    return _in_chunks(query, keys, values, staircase, scale, after)


def _in_chunks(
    query: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    staircase: Staircase,
    scale: float,
    after: Attended | None,
) -> torch.Tensor:
    output = torch.empty_like(query)
    rows = max(1, _MASK_ELEMENTS // keys.shape[1])
    for start in range(0, query.shape[1], rows):
        chunk = slice(start, start + rows)
        widest = staircase.counts[chunk][-1]
        seen = torch.arange(widest, device=query.device) < staircase.seen[chunk, None]
        seen_here = attend_masked(
            query[:, chunk], keys[:, :widest], values[:, :widest], seen, scale
        )
        before = None if after is None else Attended(*(part[:, chunk] for part in after))
        output[:, chunk] = seen_here.output if before is None else merge(before, seen_here)
    return output
