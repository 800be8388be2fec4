"""Images of requests: opened within limits, upright, as RGB."""

from molmo2_handler.images.opened import OpenImage, open_image

__all__ = ["OpenImage", "open_image"]
