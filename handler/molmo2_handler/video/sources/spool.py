"""A file that is fetched as it is read: every byte once, kept in a temporary file."""

import hashlib
import io
import os
import tempfile

from molmo2_contract.errors import InternalError, Molmo2Error, VideoUnreadable
from molmo2_handler.video.sources.allowance import Allowance
from molmo2_handler.video.sources.intervals import Intervals
from molmo2_handler.video.sources.remote import Remote, Transfer

READ_AHEAD = 256 * 1024
"""Bytes that are fetched at a time, so that jumps in a file cost few requests."""

SKIP = 1024 * 1024
"""Bytes up to which reading on is cheaper than a transfer from further on."""


class Spool(io.RawIOBase):
    """Reads ``remote`` from wherever a reader jumps to; raises Molmo2Error where it cannot.

    The temporary file has no name: it is gone when it is closed, however the process ends.
    """

    def __init__(self, remote: Remote, allowance: Allowance) -> None:
        super().__init__()
        self._remote = remote
        self._allowance = allowance
        self._size = remote.size
        self._position = 0
        self._transfer: Transfer | None = None
        self._transfer_at = 0
        self._failure: Molmo2Error | None = None
        self._held = Intervals()
        try:
            self._kept = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (closed by close)
        except OSError:
            remote.close()
            raise _no_room() from None

    def identity(self) -> str:
        """Equal for equal content, and only then; fetches all of it where nobody vouches."""
        if self._remote.identity is not None:
            self._remote.confirm()
            return self._remote.identity
        digest, offset = hashlib.blake2b(), 0
        while piece := self._read_at(offset, READ_AHEAD):
            digest.update(piece)
            offset += len(piece)
        return digest.hexdigest()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._check_open()
        if whence == os.SEEK_END:
            offset += self._whole_size()
        elif whence == os.SEEK_CUR:
            offset += self._position
        if offset < 0:
            raise OSError("there is nothing before the start of a file")
        self._position = offset
        return offset

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        self._check_open()
        found = self._read_at(self._position, len(buffer))
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)

    def close(self) -> None:
        if not self.closed:
            self._stop()
            self._remote.close()
            self._kept.close()
        super().close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    def _read_at(self, offset: int, count: int) -> bytes:
        """Up to ``count`` bytes; none at the end."""
        if self._held.until(offset) == offset:
            self._fetch(offset)
        return os.pread(self._kept.fileno(), min(count, self._held.until(offset) - offset), offset)

    def _whole_size(self) -> int:
        while self._size is None:
            self._fetch(self._transfer_at)
        return self._size

    def _fetch(self, offset: int) -> None:
        """Fetches what follows ``offset``, if anything does."""
        if self._failure is not None:
            raise self._failure
        if self._remote.ranges and not 0 <= offset - self._transfer_at <= SKIP:
            self._stop()
            self._transfer_at = offset
        try:
            while self._transfer_at < offset + READ_AHEAD and not self._at_end(self._transfer_at):
                self._advance()
        except Molmo2Error as error:
            self._failure = error
            raise

    def _at_end(self, offset: int) -> bool:
        return self._size is not None and offset >= self._size

    def _advance(self) -> None:
        """Takes the next piece; where a transfer ends early, another one may go on."""
        fresh = self._transfer is None
        if self._transfer is None:
            self._transfer = self._remote.transfer(self._transfer_at)
        if piece := next(self._transfer, b""):
            self._keep(piece)
            return
        self._stop()
        if self._size is None:
            self._size = self._transfer_at
        elif fresh or not self._remote.ranges:
            raise self._misfit("fewer")

    def _keep(self, piece: bytes) -> None:
        end = self._transfer_at + len(piece)
        self._allowance.check_size(end, self._remote.name)
        if self._size is not None and end > self._size:
            raise self._misfit("more")
        try:
            written = os.pwrite(self._kept.fileno(), piece, self._transfer_at)
        except OSError:
            written = 0
        if written != len(piece):
            raise _no_room()
        self._held.add(self._transfer_at, end)
        self._transfer_at = end

    def _stop(self) -> None:
        if self._transfer is not None:
            self._transfer.close()
            self._transfer = None

    def _misfit(self, sent: str) -> VideoUnreadable:
        return VideoUnreadable(
            f"{self._remote.name} should have {self._size} bytes; its origin sent {sent}",
            field="video.uri",
        )


def _no_room() -> InternalError:
    return InternalError(
        f"this server has no room in {tempfile.gettempdir()} to keep the video while it is read"
    )
