"""Frames by what they show: decoded once, then read from a file by every worker of the host.

An entry is a file that appears whole, by being renamed. While its frames are decoded, the file
that is to become it is locked, so that others who want the same frames wait for them; a worker
that is killed loses the lock and leaves a file that nobody takes for an entry.
"""

import logging
import os
from pathlib import Path
from typing import BinaryIO

from molmo2_contract.errors import DeadlineExceeded
from molmo2_contract.video import VideoInfo
from molmo2_handler.frame_cache.entry import Entry, read_frames, read_info
from molmo2_handler.frame_cache.file_lock import exclusive, is_held
from molmo2_handler.frame_cache.folder import use
from molmo2_handler.video import DecodedFrames, OpenVideo

logger = logging.getLogger(__name__)


class FrameCache:
    """Entries in ``folder``, of ``capacity`` bytes together; those not used for longest go first.

    A cache that cannot be written to costs no request anything but the decoding.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self._folder = folder
        self._capacity = capacity
        self._users = use(folder)

    def info(self, video: OpenVideo, size: int) -> VideoInfo:
        """What ``video.info`` says, without a look at its packets if its frames are kept.

        Raises:
            Molmo2Error: as ``video.info`` does.
        """
        return read_info(self._entry(video, size)) or video.info

    def frames(self, video: OpenVideo, size: int) -> DecodedFrames:
        """What ``video.frames(size)`` gives, decoded here only if no worker has done so.

        Raises:
            DeadlineExceeded: the video's deadline passed while another worker decoded it.
            Molmo2Error: as ``video.frames`` does.
        """
        entry = self._entry(video, size)
        found = read_frames(entry)
        if found is not None:
            return found
        try:
            with exclusive(entry.with_suffix(".part"), video.deadline) as part:
                found = read_frames(entry)
                if found is None:
                    found = video.frames(size)
                    self._keep(Entry(video.info, found), part, entry, video.deadline)
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

    def _entry(self, video: OpenVideo, size: int) -> Path:
        return self._folder / f"{video.key.hex()}-{size}.frames"

    def _keep(self, entry: Entry, part: BinaryIO, path: Path, deadline: float | None) -> None:
        with exclusive(self._folder / "room", deadline):
            if not self._make_room(entry.size):
                return
            part.truncate(entry.size)  # room that others see as taken
        part.seek(0)
        entry.write(part)
        part.truncate()
        part.flush()
        with exclusive(self._folder / "room", deadline):
            path.with_suffix(".part").rename(path)

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
