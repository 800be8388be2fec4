"""Images of requests: opened within limits, upright, as RGB."""

from molmo2_handler.images.budget import ImageBudget
from molmo2_handler.images.opened import OpenImage, open_image

__all__ = ["ImageBudget", "OpenImage", "open_image"]
