"""The boxes that an MP4 file is made of (ISO/IEC 14496-12, 4.2), read where they lie."""

from typing import BinaryIO, NamedTuple


class Box(NamedTuple):
    """A box of four letters; ``body`` and ``end`` are places in the file."""

    kind: bytes
    body: int
    end: int


class BoxReader:
    """Reads boxes of ``file``, and numbers in them. What lies beyond its end reads as nothing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def box(self, place: int, end: int) -> Box | None:
        """The box at ``place`` of a container that ends at ``end``; None where there is none."""
        header = self.content(place, 16) if place + 8 <= end else b""
        if len(header) < 8:
            return None
        size, kind, body = int.from_bytes(header[:4], "big"), header[4:8], place + 8
        if size == 1:
            size, body = int.from_bytes(header[8:16], "big"), place + 16
        box_end = place + size if size else end  # 0: up to the end
        return Box(kind, body, min(box_end, end)) if box_end >= body else None

    def number(self, place: int) -> int:
        """The 32-bit number at ``place``."""
        return int.from_bytes(self.content(place, 4), "big")

    def content(self, place: int, count: int) -> bytes:
        """Up to ``count`` bytes from ``place`` on."""
        try:
            self._file.seek(place)
            return self._file.read(count) or b""
        except OSError:  # no file is so long; or it cannot be read, which others will meet
            return b""
