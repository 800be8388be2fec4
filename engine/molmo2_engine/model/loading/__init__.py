"""Weights from a checkpoint's files to a device, piece by piece."""

from molmo2_engine.model.loading.model import UnfitWeights, load_model

__all__ = ["UnfitWeights", "load_model"]
