"""Vectors from the last hidden states of media."""

import torch
import torch.nn.functional as F

ZOO_PROMPT = "Provide a description of what is happening in this video"
"""Behind the media in FiftyOne's zoo model of Molmo2 when it embeds (its ``embed_video``)."""


class NotFinite(Exception):
    """The model computed infinities or no numbers."""


def pool(states: torch.Tensor) -> dict[str, torch.Tensor]:
    """Of [tokens, hidden] the ``mean``, the ``max`` and the first (``cls``): [hidden] each.

    They are float32, L2-normalised, on the CPU.

    Raises:
        NotFinite: if there are infinities or no numbers among them.
    """
    return {name: vectors[0] for name, vectors in pool_each(states[None]).items()}


def pool_each(states: torch.Tensor) -> dict[str, torch.Tensor]:
    """The same for each of several: from [groups, tokens, hidden] to [groups, hidden].

    Raises:
        NotFinite: as ``pool``.
    """
    states = states.float()
    pooled = {"mean": states.mean(1), "max": states.amax(1), "cls": states[:, 0]}
    if not torch.isfinite(pooled["mean"]).all():
        raise NotFinite("the model's hidden states for this media are not finite")
    return {name: F.normalize(vectors, dim=-1).cpu() for name, vectors in pooled.items()}
