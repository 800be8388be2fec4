"""What a server holds: processes, descriptors, sockets and files that should go again."""

import contextlib
from dataclasses import dataclass, fields

import psutil
from watched import processes

from molmo2_client.serving import RunningServer

_SLACK = {"descriptors": 24, "sockets": 24}
"""Idle connections of callers, and what a process opens at its first request. All rows of a table
share the counts before the first, so that what every fault leaves a little of is seen too."""


@dataclass(frozen=True)
class Holdings:
    """Counts over TorchServe, its workers, its engine and what watches them."""

    processes: int
    descriptors: int
    sockets: int
    temporary_files: int

    @classmethod
    def of(cls, server: RunningServer) -> "Holdings":
        run, descriptors, sockets, count = server.options.run, 0, 0, 0
        for process in processes(server, ""):
            with contextlib.suppress(psutil.NoSuchProcess):
                descriptors += process.num_fds()
                sockets += len(process.net_connections("all"))
                count += 1
        part = [*run.glob("tmp/molmo2*"), *run.glob("frames-*/*.part"), *run.glob("frames-*/room")]
        return cls(count, descriptors, sockets, len(part))

    def beyond(self, before: "Holdings") -> str:
        """What there is more than before; empty if nothing."""
        more = {
            field.name: getattr(self, field.name) - getattr(before, field.name)
            for field in fields(self)
        }
        found = [f"{n} {name}" for name, n in more.items() if n > _SLACK.get(name, 0)]
        return ", ".join(found)
