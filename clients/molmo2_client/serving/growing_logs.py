"""Logs that a process was given as its standard output: turned over when they have grown.

TorchServe turns its own over (``log4j2.xml``). Engines and the process beside TorchServe only
write on, so theirs are copied and emptied; a line that comes in between is lost.
"""

import os
import shutil
from pathlib import Path

from molmo2_contract.run_directory import ENGINE_LOGS

KEPT = 3
"""Files behind each log, ``NAME.1`` the newest of them."""

_NAMES = (ENGINE_LOGS, "watch.log", "jvm.log")


class GrowingLogs:
    """Those of one run directory."""

    def __init__(self, run: Path, most_bytes: int) -> None:
        self._run = run
        self._most_bytes = most_bytes

    def turn_over(self) -> None:
        """Those that have ``most_bytes`` or more become ``NAME.1`` and are empty."""
        for log in (log for name in _NAMES for log in self._run.glob(name)):
            if log.stat().st_size >= self._most_bytes:
                _turn_over(log)


def _turn_over(log: Path) -> None:
    for number in range(KEPT, 1, -1):
        if (newer := _behind(log, number - 1)).exists():
            newer.replace(_behind(log, number))
    try:
        shutil.copyfile(log, _behind(log, 1))
    except OSError:  # a full disk: the lines are lost, and their room is free again
        _behind(log, 1).unlink(missing_ok=True)
    os.truncate(log, 0)  # who writes there appends


def _behind(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
