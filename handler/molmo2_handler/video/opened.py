"""One video of one request, from its bytes to frames at the model's size."""

import hashlib
from functools import cached_property

from molmo2_contract.video import Video, VideoInfo
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.decode import decode
from molmo2_handler.video.gallery import DecodedFrames
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.open_media import OpenMedia
from molmo2_handler.video.plan import Plan, make_plan
from molmo2_handler.video.source import Source, open_source


class OpenVideo(OpenMedia):
    """A video that is open for reading.

    Nothing is decoded before it is asked for; ``frames`` may be called again, at another size.
    All of it is paid from one budget. ``deadline`` is a value of ``time.monotonic``, or None.
    """

    def __init__(
        self, source: Source, video: Video, limits: VideoLimits, deadline: float | None
    ) -> None:
        super().__init__(source)
        self.deadline = deadline
        self._video = video
        self._limits = limits
        self._budget = Budget(source.name, limits, deadline)

    @cached_property
    def key(self) -> bytes:
        """32 bytes that are the same for the same content, clip and sampling, and only then.

        The size of the frames is no part of it.
        """
        asked = self._video.model_dump_json(exclude={"uri"})
        return hashlib.blake2b(f"{self.identity}\n{asked}".encode(), digest_size=32).digest()

    @property
    def info(self) -> VideoInfo:
        """The video, and the frames that are to be decoded. Raises as ``make_plan`` does."""
        return self._plan.info

    def frames(self, size: int) -> DecodedFrames:
        """The sampled frames at ``size`` x ``size`` pixels; see ``decode`` for what it raises.

        In a damaged video other frames may stand in for those of ``info.sampled``: an answer must
        give the numbers that come with the images.
        """
        return decode(self._source, self._plan, size, self._limits, self._budget)

    @cached_property
    def _plan(self) -> Plan:
        return make_plan(self._source, self._video, self._limits, self._budget)


def open_video(
    video: Video, body: bytes | None, limits: VideoLimits, deadline: float | None = None
) -> OpenVideo:
    """Opens the video that a request names in ``video.uri`` or brings as ``body``.

    Raises what ``open_source`` raises; what is wrong with the content shows when it is used.

    Args:
        deadline: a value of ``time.monotonic`` at which to give the video up, or None.
    """
    return OpenVideo(open_source(video, body, limits, deadline), video, limits, deadline)
