"""One row a fault: who noticed what, how soon all was well again, and what was left."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

RECOVERY = 10.0
"""Seconds from a fault, or from its repair, in which all must be well again."""

LEAST_ROWS = 18

HEAD = """# Faults

What each fault costs, as `make test-faults` saw it on `molmo2 serve` with the demo model; the run
writes this page, when every row is as it must be and no other time. "Others" are two ordinary
clients, one over HTTP and one over gRPC, who ask about another video all the while and compare
every text and every value of the embeddings with the right ones: a wrong or missing answer of
theirs fails the run. "Whole again" is when {workers} workers and the engine live, `/readyz` says so
and each worker is seen at work on one of {workers} requests at once, which are answered. It counts
from the fault, or from its repair where somebody has to repair it; more than {recovery:g} s fail
the run. "Left" compares processes, open files, sockets, files in the run directory and TorchServe's
list of workers with those before, once nothing is in hand; what the table does not tell as left
fails the run too. The machine: {machine}.

The server has the settings that it is shipped with
([molmo2-demo.yaml](../archive/molmo2_archive/configs/molmo2-demo.yaml): {workers} workers,
{places} places to wait), but for these:

{differences}

| fault | its own caller sees | after | others: answers, wrong, missing; wait | whole again | left |
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
    """Requests of the others."""
    wrong: int = 0
    missing: list[str] = field(default_factory=list)
    """What they were told instead."""
    longest: float = 0.0
    """Seconds that one of them waited."""
    whole: float = 0.0
    left: str = ""
    to_be_left: str = ""
    """What this fault leaves, and how it is told; nothing else may be."""

    def __str__(self) -> str:
        others = f"{self.answered}, {self.wrong}, {len(self.missing)}; {self.longest:.1f} s"
        cells = [self.fault, self.victim, f"{self.after:.1f} s", others, f"{self.whole:.1f} s"]
        return f"| {' | '.join([*cells, self.left or self.to_be_left or 'nothing'])} |"

    def check(self) -> None:
        """Raises AssertionError for what a fault must not cost."""
        assert self.wrong == 0, f"{self.wrong} wrong answers of others: {self}"
        assert not self.missing, f"others were told {self.missing}: {self}"
        assert self.answered, f"nobody else asked: {self}"
        assert self.whole <= RECOVERY, f"not whole within {RECOVERY} s: {self}"
        assert not self.left, f"something is left: {self}"


def write(
    rows: Sequence[Row], target: Path, workers: int, places: int, differences: Sequence[str]
) -> None:
    """Writes the page."""
    machine = f"{os.cpu_count()} CPU cores, load {os.getloadavg()[1]:.0f} from other work"
    head = HEAD.format(
        workers=workers,
        places=places,
        recovery=RECOVERY,
        machine=machine,
        differences="\n".join(f"* {difference}" for difference in differences),
    )
    target.write_text(head + "\n".join(map(str, rows)) + "\n")
