"""Where a worker has a video's facts and its sampled frames from."""

from collections.abc import Callable
from dataclasses import dataclass

from molmo2_contract.video import VideoInfo
from molmo2_handler.video import DecodedFrames, OpenVideo


@dataclass(frozen=True)
class FrameSource:
    """Both from an open video and the model's size in pixels: by default from the video itself."""

    info: Callable[[OpenVideo, int], VideoInfo] = lambda video, _: video.info
    frames: Callable[[OpenVideo, int], DecodedFrames] = OpenVideo.frames


FROM_VIDEO = FrameSource()
