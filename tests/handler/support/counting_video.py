"""A real video that counts how often it is decoded, and can be told to take its time."""

import time

from molmo2_contract.video import VideoInfo
from molmo2_handler.video import DecodedFrames, OpenVideo


class CountingVideo:
    """``count`` is of decodings, ``looks`` of questions about the file."""

    def __init__(self, video: OpenVideo, seconds: float = 0) -> None:
        self.video, self.seconds, self.count = video, seconds, 0
        self.key, self.deadline = video.key, video.deadline
        self.looks = 0

    @property
    def info(self) -> VideoInfo:
        self.looks += 1
        return self.video.info

    def frames(self, size: int) -> DecodedFrames:
        self.count += 1
        time.sleep(self.seconds)
        return self.video.frames(size)
