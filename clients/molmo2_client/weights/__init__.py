"""Brings a checkpoint's weights to this machine: verified, resumable, safetensors only."""

from molmo2_client.weights.errors import WeightsError
from molmo2_client.weights.pull import Pulled, pull

__all__ = ["Pulled", "WeightsError", "pull"]
