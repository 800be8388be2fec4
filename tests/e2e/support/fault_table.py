"""One row a fault: who noticed what, how soon all was well again, and what was left."""

import os
from dataclasses import dataclass
from pathlib import Path

HEAD = """# Faults

What each fault costs, as `make test-faults` saw it on a real TorchServe with the demo model,
{slots} request workers and the process beside it; the run writes this page. "Others" are two
ordinary clients, one over HTTP and one over gRPC, who ask about another video all the while and
compare every answer with the right one. "Whole again" is when every worker and the engine live,
`/readyz` says so and a new request is answered, counted from the fault, or from its repair where
somebody has to repair it. "Left" compares processes, open files, sockets and temporary files of
the server with those before. The machine: {machine}.

| fault | its own caller sees | after | others: answered, longest wait | whole again after | left |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass
class Row:
    """What one fault came to."""

    fault: str
    victim: str = ""
    """What the fault's own caller saw."""
    after: float = 0.0
    answered: int = 0
    longest: float = 0.0
    whole: float = 0.0
    left: str = "nothing"

    def __str__(self) -> str:
        others = (
            f"{self.answered}, {self.longest:.1f} s" if self.answered else "all are its callers"
        )
        cells = [self.fault, self.victim, f"{self.after:.1f} s", others, f"{self.whole:.1f} s"]
        return f"| {' | '.join([*cells, self.left])} |"


def write(rows: list[Row], target: Path, slots: int) -> None:
    """Writes the page."""
    machine = f"{os.cpu_count()} CPU cores, load {os.getloadavg()[1]:.0f} from other work"
    text = HEAD.format(slots=slots, machine=machine) + "\n".join(map(str, rows)) + "\n"
    target.write_text(text)
