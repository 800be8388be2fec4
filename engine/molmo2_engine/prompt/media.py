"""What a prefix is made from: the sampled frames of a video, or images."""

from dataclasses import dataclass

import torch

from molmo2_engine.prompt.formats import ImageGrid


@dataclass(frozen=True, eq=False)
class VideoFrames:
    """The sampled frames of a video."""

    times: list[float]
    """Seconds, one a frame, as the model is told them."""
    frames: torch.Tensor
    """uint8 RGB [len(times), size, size, 3]."""
    frame_numbers: tuple[int, ...]
    """1-based, in the whole video; nothing here depends on them."""


@dataclass(frozen=True, eq=False)
class Crops:
    """One image as the vision encoder sees it: the whole of it, then overlapping parts."""

    crops: torch.Tensor
    """uint8 RGB [crops, size, size, 3]; the first is the whole image."""
    windows: torch.Tensor
    """Patches that each visual token pools: int64 [tokens, window], -1 is padding."""
    grid: ImageGrid


@dataclass(frozen=True, eq=False)
class Images:
    """A set of images, in order."""

    images: list[Crops]


Media = VideoFrames | Images
