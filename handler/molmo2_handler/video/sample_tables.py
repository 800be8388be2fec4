"""What the sample tables of an MP4 file declare, added up before FFmpeg makes its index of them.

A box of 20 bytes can declare four billion samples, and FFmpeg makes an entry for each of them
before anything else is known about the file. The tables are those of ISO/IEC 14496-12, 8.6 to 8.8.
"""

import sys
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from molmo2_contract.errors import VideoTooLong
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.mp4_boxes import Box, BoxReader

_CONTAINERS = {b"moov", b"mdia", b"minf", b"stbl", b"moof", b"traf"}
_MAX_DEPTH = 10  # FFmpeg's

SAMPLES_A_SECOND = 400
"""Of a track that is no video, at most: the shortest packets of sound, Opus's, last 2.5 ms."""


@dataclass
class _Track:
    handler: bytes = b""
    samples: int = 0
    is_raw: bool = False

    def declare(self, samples: int) -> None:
        self.samples = max(self.samples, samples)


class SampleTables:
    """Follows whoever reads ``file`` and looks at each box before they do.

    A file that is no MP4 file has none of those boxes, and passes.
    """

    def __init__(self, file: BinaryIO, name: str, limits: VideoLimits, budget: Budget) -> None:
        self._file = file
        self._reader = BoxReader(file)
        self._name = name
        self._limits = limits
        self._budget = budget
        self._next = 0
        self._in_fragments = 0
        self._max_other = int(limits.max_duration * SAMPLES_A_SECOND)

    def check(self, count: int) -> None:
        """Looks at the boxes that begin in the next ``count`` bytes; the file's position stays.

        Where the reader has jumped over boxes, it waits for the reader to come back to them.

        Raises:
            VideoTooLong: together they declare more samples than ``limits`` admit.
            DeadlineExceeded, VideoTooLong: see ``Budget.check``.
        """
        position = self._file.tell()
        if not position <= self._next < position + count:
            return
        try:
            while self._next < position + count:
                self._next = self._look_at(self._next)
        finally:
            self._file.seek(position)

    def _look_at(self, place: int) -> int:
        """Where the box after that at ``place`` begins."""
        box = self._reader.box(place, sys.maxsize)
        if box is None:
            return sys.maxsize
        if box.kind in (b"moov", b"moof"):
            self._look_into(box, _Track(), 1)
        return box.end

    def _look_into(self, container: Box, track: _Track, depth: int) -> None:
        place = container.body
        while depth < _MAX_DEPTH and (box := self._reader.box(place, container.end)) is not None:
            self._budget.check()
            if box.kind == b"trak":
                inner = _Track()
                self._look_into(box, inner, depth + 1)
                self._check(inner)
            elif box.kind in _CONTAINERS:
                self._look_into(box, track, depth + 1)
            else:
                self._read(box, track)
            place = box.end

    def _read(self, box: Box, track: _Track) -> None:
        match box.kind:
            case b"hdlr":
                track.handler = self._reader.content(box.body + 8, 4)
            case b"stsz" | b"stz2":
                track.declare(self._reader.number(box.body + 8))
            case b"stts" | b"ctts":
                runs = self._runs(box)
                track.declare(int(runs[:, 0].sum()))
                track.is_raw |= box.kind == b"stts" and len(runs) == 1 and runs[0, 1] == 1
            case b"trun":
                self._in_fragments += self._reader.number(box.body + 4)
                self._refuse_beyond_all(self._in_fragments)

    def _check(self, track: _Track) -> None:
        if track.handler == b"vide" and track.samples > self._limits.max_frame_count:
            raise self._too_long(
                f"more than {self._limits.max_frame_count} frames, the most that this server takes "
                "(setting max_frame_count)"
            )
        # FFmpeg takes the samples of raw sound by the thousand.
        if track.handler != b"vide" and not track.is_raw and track.samples > self._max_other:
            raise self._too_long(
                f"{track.samples} samples in a track; {self._limits.max_duration:g} s, the most "
                f"that this server takes (setting max_duration), hold up to {self._max_other}"
            )

    def _refuse_beyond_all(self, samples: int) -> None:
        """For where it does not show whether they are frames."""
        bound = self._limits.max_frame_count + self._max_other
        if samples > bound:
            raise self._too_long(
                f"{samples} samples; this server takes up to {bound} (settings max_frame_count and "
                "max_duration)"
            )

    def _too_long(self, declared: str) -> VideoTooLong:
        return VideoTooLong(f"{self._name} declares {declared}: cut it into parts", field="video")

    def _runs(self, box: Box) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """The table's runs of samples: how many, and the duration or offset of each."""
        count = self._reader.number(box.body + 4)
        self._refuse_beyond_all(count)
        size = min(8 * count, max(box.end - box.body - 8, 0))
        table = self._reader.content(box.body + 8, size)
        whole = table[: len(table) // 8 * 8]
        return np.frombuffer(whole, ">u4").reshape(-1, 2).astype(np.int64)
