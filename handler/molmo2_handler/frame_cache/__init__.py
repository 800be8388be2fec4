"""Sampled frames, kept for all request workers of one TorchServe."""

from molmo2_handler.frame_cache.cache import FrameCache
from molmo2_handler.frame_cache.folder import cache_folder

__all__ = ["FrameCache", "cache_folder"]
