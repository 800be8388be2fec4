"""The vision encoder: from patches to features, in transformers' layers or fused ones."""

from typing import Protocol

import torch
from transformers import Molmo2ForConditionalGeneration

from molmo2_engine.model.loading import is_split


class VisionEncoder(Protocol):
    """One that pools its features to visual tokens and projects them to the text model's width."""

    device: torch.device

    def __call__(self, patches: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        """Features [tokens, hidden] of the model's dtype.

        Args:
            patches: float32 [crops, patches, 3 * patch size ** 2].
            windows: int64 [tokens, window], into the patches of all crops; -1 is padding.
        """
        ...


class TransformersVision:
    """transformers' own: the way on a CPU, and what the fused one is tested against."""

    def __init__(self, model: Molmo2ForConditionalGeneration) -> None:
        self._model = model
        self.device = model.device

    def __call__(self, patches: torch.Tensor, windows: torch.Tensor) -> torch.Tensor:
        features = self._model.get_image_features(
            patches.to(self._model.dtype),
            windows,
            torch.tensor([[len(windows), 1, 0, 0]]),  # tokens, in one piece
        )
        return features.pooler_output[0]


def vision_of(model: Molmo2ForConditionalGeneration) -> VisionEncoder:
    """The fastest way to run a model's vision encoder where it is."""
    if model.device.type != "cuda" or is_split(model):
        return TransformersVision(model)
    from molmo2_engine.model.fused_vision import FusedVision

    return FusedVision(model)
