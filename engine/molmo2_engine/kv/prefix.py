"""What every question about one video, or one set of images, shares."""

from dataclasses import dataclass, field

import torch


@dataclass(frozen=True, eq=False)
class Prefix:
    """Keys and values of media, in pages of their own, and the vectors that embed it."""

    key: bytes
    frame_numbers: tuple[int, ...]
    tokens: int
    pages: list[int]
    embeddings: dict[str, torch.Tensor]
    """By pooling (mean, max, cls): L2-normalised float32 [hidden]."""
    frame_embeddings: dict[str, torch.Tensor] = field(default_factory=dict)
    """The same for each frame of a video: [frames, hidden]; empty for images."""
