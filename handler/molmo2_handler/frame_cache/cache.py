"""Frames by what they show: decoded once, then read from a file by every worker of the host.

An entry is a file that appears whole, by being renamed. While its frames are decoded, the file
that is to become it is locked, so that others who want the same frames wait for them; a worker
that is killed loses the lock and leaves a file that nobody takes for an entry.
"""

import logging
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from molmo2_contract.errors import DeadlineExceeded
from molmo2_handler.frame_cache.file_lock import exclusive, is_held
from molmo2_handler.frame_cache.folder import use
from molmo2_handler.video import DecodedFrames, OpenVideo

logger = logging.getLogger(__name__)

_HEADERS = 1024
"""Bytes that an entry has beside its numbers and images, at most."""


class FrameCache:
    """Entries in ``folder``, of ``capacity`` bytes together; those not used for longest go first.

    A cache that cannot be written to costs no request anything but the decoding.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self._folder = folder
        self._capacity = capacity
        self._users = use(folder)

    def frames(self, video: OpenVideo, size: int) -> DecodedFrames:
        """What ``video.frames(size)`` gives, decoded here only if no worker has done so.

        Raises:
            DeadlineExceeded: the video's deadline passed while another worker decoded it.
            Molmo2Error: as ``video.frames`` does.
        """
        entry = self._folder / f"{video.key.hex()}-{size}.frames"
        found = _read(entry)
        if found is not None:
            return found
        try:
            with exclusive(entry.with_suffix(".part"), video.deadline) as part:
                found = _read(entry)
                if found is None:
                    found = video.frames(size)
                    self._keep(found, part, entry, video.deadline)
                return found
        except TimeoutError:
            raise DeadlineExceeded(
                "the request's timeout passed while its video was decoded for another request; "
                "raise timeout",
                field="timeout",
            ) from None
        except OSError:
            logger.exception("the frame cache in %s cannot be used", self._folder)
            return found or video.frames(size)

    def close(self) -> None:
        """Lets go of the folder, which is removed once no other process uses it."""
        os.close(self._users)

    def _keep(
        self, frames: DecodedFrames, part: BinaryIO, entry: Path, deadline: float | None
    ) -> None:
        numbers = np.asarray(frames.numbers, np.int64)
        size = frames.images.nbytes + numbers.nbytes + _HEADERS
        with exclusive(self._folder / "room", deadline):
            if not self._make_room(size):
                return
            part.truncate(size)  # room that others see as taken
        part.seek(0)
        np.save(part, numbers)
        np.save(part, frames.images)
        part.truncate()
        part.flush()
        with exclusive(self._folder / "room", deadline):
            entry.with_suffix(".part").rename(entry)

    def _make_room(self, size: int) -> bool:
        """Removes the oldest entries until ``size`` more bytes fit; False if they never do."""
        for part in self._folder.glob("*.part"):
            if not is_held(part):
                part.unlink(missing_ok=True)  # of a worker that was killed
        free = self._capacity - sum(_size(part) for part in self._folder.glob("*.part"))
        entries = [(entry, entry.stat()) for entry in self._folder.glob("*.frames")]
        free -= sum(stat.st_size for _, stat in entries)
        for entry, stat in sorted(entries, key=lambda each: each[1].st_mtime_ns):
            if free >= size:
                break
            entry.unlink()
            free += stat.st_size
        return free >= size


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:  # its worker gave up meanwhile
        return 0


def _read(entry: Path) -> DecodedFrames | None:
    try:
        with entry.open("rb") as file:
            numbers = np.load(file, allow_pickle=False)
            images = np.load(file, allow_pickle=False)
            os.utime(file.fileno())
    except (FileNotFoundError, EOFError, ValueError):
        return None
    return DecodedFrames(images, numbers.tolist())
