"""The attention of a media prefix, exact, without a mask of tokens by tokens.

Visual tokens attend to every visual token of the prefix and to the text before them; text attends
to what precedes it. A dense mask of that takes 1.2 GB at 34,500 tokens and keeps the fused kernels
away; flash attention's causal path ignores it and is silently wrong. In parts:

* visual tokens to all visual tokens: most of the work, and no mask at all;
* visual tokens to the text before them: few keys, a staircase, merged with the first part by
  log-sum-exp;
* text to all that precedes it: few queries, a staircase.

On a CPU a short prefix has a mask after all: it is one call instead of three and what they merge,
and rounds as transformers' own layers do.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate

import torch

from molmo2_engine.model.attention.every_key import attend_to_all
from molmo2_engine.model.attention.leading_keys import Staircase, attend_to_leading
from molmo2_engine.model.attention.masked import attend_masked

SHORT = 1024
"""Tokens of a prefix whose mask is small: 4 MiB in float32."""

Attention = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float], torch.Tensor]
"""From queries [heads, tokens, head size], keys and values [kv heads, tokens, head size], and the
scores' scale to what the queries' shape is."""


def media_attention(
    visual: Sequence[bool], device: torch.device, kernel: str | None = None
) -> Attention:
    """The attention of one prefix; ``visual`` says of each token whether it is visual.

    ``kernel``: as for ``attend_to_all``.
    """
    if device.type == "cpu" and len(visual) <= SHORT:
        return ShortMediaAttention(visual)
    return MediaAttention(visual, device, kernel)


class ShortMediaAttention:
    """On a CPU, with a mask of tokens by tokens."""

    def __init__(self, visual: Sequence[bool]) -> None:
        is_visual = torch.tensor(visual)
        before = torch.ones(len(visual), len(visual), dtype=torch.bool).tril_()
        self._seen = before | (is_visual[:, None] & is_visual)

    def __call__(
        self, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
    ) -> torch.Tensor:
        return attend_masked(query, keys, values, self._seen, scale).output


class MediaAttention:
    """In parts, without a mask of tokens by tokens."""

    def __init__(
        self, visual: Sequence[bool], device: torch.device, kernel: str | None = None
    ) -> None:
        seen_as_visual = [i for i, is_visual in enumerate(visual) if is_visual]
        seen_as_text = [i for i, is_visual in enumerate(visual) if not is_visual]
        text_before = list(accumulate(not is_visual for is_visual in visual))
        self._visual = torch.tensor(seen_as_visual, device=device)
        self._text = torch.tensor(seen_as_text, device=device)
        self._text_before = Staircase([text_before[i] for i in seen_as_visual], device)
        self._up_to_itself = Staircase([i + 1 for i in seen_as_text], device)
        self._kernel = kernel

    def __call__(
        self, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
    ) -> torch.Tensor:
        """Takes [heads, tokens, head size] and [kv heads, tokens, head size] twice.

        Returns:
            [heads, tokens, head size].
        """
        output = torch.empty_like(query)
        output[:, self._visual] = self._visual_rows(query, keys, values, scale)
        output[:, self._text] = attend_to_leading(
            query[:, self._text], keys, values, self._up_to_itself, scale
        )
        return output

    def _visual_rows(
        self, query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, scale: float
    ) -> torch.Tensor:
        query = query[:, self._visual]
        among_visual = attend_to_all(
            query, keys[:, self._visual], values[:, self._visual], scale, self._kernel
        )
        return attend_to_leading(
            query,
            keys[:, self._text],
            values[:, self._text],
            self._text_before,
            scale,
            after=among_visual,
        )
