"""The points of an answer that is still being written."""

import re

from molmo2_contract.events import ProgressPoint
from molmo2_contract.operations import GeneratedOperation, Pointing, Tracking
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers.blocks import read_blocks
from molmo2_handler.answers.coordinates import SpokenPoint
from molmo2_handler.answers.timeline import Timeline

# A time step ends with a separator or with its attribute; until one of these, nothing is new.
_STEP_MAY_END = re.compile(r"[;,:\t\r\n\"'<>]")


class ProgressReader:
    """Reports each point of a pointing or tracking answer as soon as its time step is finished.

    A step is finished when the next one or the end of its attribute has begun. Every reported point
    is in the result of the whole answer, wherever that ends. The reverse does not hold: points
    without a time, the last step of a cut-off answer, and a second tag's position of a track id
    that another tag placed at the same time are in the result only.
    """

    def __init__(self, operation: GeneratedOperation, video: VideoInfo) -> None:
        self._operation = operation
        self._timeline = Timeline(video)
        self._characters = 0
        self._reported = 0

    def feed(self, text_so_far: str) -> list[ProgressPoint]:
        """The points that are new since the last call, in the order of the text.

        ``text_so_far`` is the whole answer up to now and begins with what was fed before.
        """
        if not isinstance(self._operation, Pointing | Tracking):
            return []
        may_be_new = _STEP_MAY_END.search(text_so_far, self._characters)
        self._characters = len(text_so_far)
        if not may_be_new:
            return []
        finished = self._finished(text_so_far)
        new, self._reported = finished[self._reported :], len(finished)
        return [self._place(point) for point in new]

    def _finished(self, text: str) -> list[SpokenPoint]:
        points = [point for block in read_blocks(text) for point in block.points[: block.finished]]
        if isinstance(self._operation, Pointing):
            return points
        first_of: dict[tuple[float | None, int], SpokenPoint] = {}
        for point in points:
            first_of.setdefault((point.time, point.id), point)
        return list(first_of.values())

    def _place(self, point: SpokenPoint) -> ProgressPoint:
        time, frame = self._timeline.place(point.time)
        return ProgressPoint(time=time, frame=frame, id=point.id, x=point.x, y=point.y)
