"""Videos of requests: opened within limits, sampled as the model was trained, decoded, resized."""

from molmo2_handler.video.gallery import DecodedFrames
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.opened import OpenVideo, open_video

__all__ = ["DecodedFrames", "OpenVideo", "VideoLimits", "open_video"]
