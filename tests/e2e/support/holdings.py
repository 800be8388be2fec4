"""What a server holds: processes, descriptors, sockets and files that should go again."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import psutil
import watched

from molmo2_client.serving import RunningServer

_SLACK = {"descriptors": 24, "sockets": 24}
"""Idle connections of callers, and what a process opens at its first request. All rows of a table
share the counts before the first, so that what every fault leaves a little of is seen too."""

_KEPT = (
    "*.log",
    "logs/*",
    "tmp/models/*",
    "frames-*/*.frames",
    "counts/counter_*",
    "counts/histogram_*",
)
"""Files of the run directory that are meant to stay: logs, the archive, frames of videos within
their own bound, and what was counted by workers that have ended, which counters must not lose."""


@dataclass(frozen=True)
class Holdings:
    """Counts over TorchServe, its workers, its engine and what watches them."""

    processes: int
    descriptors: int
    sockets: int
    files: frozenset[str]
    """In the run directory, sockets among them, other than those that stay. Names may change, as
    processes do that bear their numbers; there may not be more of them."""
    lost_workers: int
    """Without a process, and still in TorchServe's list."""
    more_files: int = 0
    """Beside those that were seen."""

    @classmethod
    def of(cls, server: RunningServer) -> "Holdings":
        descriptors, sockets, count = 0, 0, 0
        for process in watched.processes(server, ""):
            with contextlib.suppress(psutil.NoSuchProcess):
                descriptors += process.num_fds()
                sockets += len(process.net_connections("all"))
                count += 1
        files = frozenset(transient_files(server.options.run))
        lost = int(watched.workers_told(server, "lost"))
        return cls(count, descriptors, sockets, files, lost)

    def with_more(self, lost_workers: int, files: int) -> "Holdings":
        """These and so much more, where a fault leaves it."""
        return replace(
            self,
            lost_workers=self.lost_workers + lost_workers,
            more_files=self.more_files + files,
        )

    def beyond(self, before: "Holdings") -> str:
        """What there is more than before; empty if nothing."""
        found = []
        for name in ("processes", "descriptors", "sockets", "lost_workers"):
            more = getattr(self, name) - getattr(before, name)
            if more > _SLACK.get(name, 0):
                found.append(f"{more} {name.replace('_', ' ')}")
        if (more := len(self.files) - len(before.files) - before.more_files) > 0:
            found.append(f"{more} files of {sorted(self.files - before.files)}")
        return ", ".join(found)


def transient_files(run: Path) -> Iterator[str]:
    """What comes and should go, by its path in the run directory."""
    for folder, _, names in os.walk(run):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), run)
            if not any(fnmatch(path, kept) for kept in _KEPT):
                yield path
