"""When a process that says again and again that it lives counts as hung."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Holder:
    """A process that is watched."""

    process: int
    patience: float
    """Seconds without a heartbeat after which it counts as hung."""


class Heart(Protocol):
    """A file whose modification time is a heartbeat."""

    path: Path

    def holder(self) -> Holder | None:
        """Whose it is; None when that has ended, or has yet to begin."""


class Silence:
    """How long a process has not beaten, as one onlooker sees it.

    Wall clocks jump and machines sleep, so what counts is the time in which somebody looked and saw
    no beat; each look adds at most three seconds.
    """

    _LONGEST_LOOK = 3.0

    def __init__(self, heart: Heart) -> None:
        self._heart = heart
        self._last_beat: tuple[int, int] | None = None
        self._looked = time.monotonic()
        self._seconds = 0.0

    def look(self) -> Holder | None:
        """The holder, if it has been silent for longer than it may be."""
        now, before = time.monotonic(), self._looked
        self._looked = now
        holder = self._heart.holder()
        beat = None if holder is None else (holder.process, self._last_modified())
        if holder is None or beat != self._last_beat:
            self._last_beat, self._seconds = beat, 0.0
            return None
        self._seconds += min(now - before, self._LONGEST_LOOK)
        return holder if self._seconds > holder.patience else None

    def _last_modified(self) -> int:
        """Nanoseconds; 0 where the file is gone, which has to be for long to count."""
        try:
            return self._heart.path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0
