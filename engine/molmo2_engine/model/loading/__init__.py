"""Weights from a checkpoint's files to a device, or to several, piece by piece."""

from molmo2_engine.model.loading.model import load_model
from molmo2_engine.model.loading.pinned import pinned
from molmo2_engine.model.loading.placement import is_split, layer_devices
from molmo2_engine.model.loading.weight_files import UnfitWeights

__all__ = ["UnfitWeights", "is_split", "layer_devices", "load_model", "pinned"]
