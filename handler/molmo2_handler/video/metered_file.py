"""The file that FFmpeg reads a video from."""

from typing import BinaryIO

from molmo2_handler.video.budget import Budget
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.sample_tables import SampleTables


class MeteredFile:
    """A file whose reading is paid from a budget: a header can make FFmpeg read for long.

    What an MP4 file declares is checked before FFmpeg reads it. ``read`` raises as
    ``SampleTables.check`` does, through FFmpeg.
    """

    def __init__(self, file: BinaryIO, name: str, limits: VideoLimits, budget: Budget) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._file = file
        self._budget = budget
        self._tables = SampleTables(file, name, limits, budget)

    def read(self, size: int) -> bytes:
        self._budget.check()
        self._tables.check(size)
        return self._file.read(size)
