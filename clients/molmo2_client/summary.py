"""What a call that labels many videos did."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from textwrap import TextWrapper

from molmo2_contract.errors import Error
from molmo2_contract.results import Status

MAX_FAILURES = 20
"""Failures that a summary names; all of them are in the run records or the lines."""

WIDTH = 98
"""Columns of a summary that is printed."""


@dataclass(frozen=True)
class Failure:
    """One operation of one sample that has no answer.

    ``sample_id`` is the path of a video in its folder where there is no dataset.
    """

    sample_id: str
    operation: str
    kind: str
    message: str


@dataclass
class LabelSummary:
    """Samples and answers of one call about videos, or about images (``media_type``).

    Attributes:
        samples: samples in the view.
        finished: those that earlier calls had answered in full; they were not asked.
        failed: samples of this call with at least one operation that has no answer.
        statuses: by operation, how many answers of this call had which status.
        failures: the first ``MAX_FAILURES`` of them.
        kinds: by the kind of their error, how many operations of this call have no answer.
        examples: by kind, the message of the first.
        variable_frame_rate: samples of this call whose video has one. Players that assume a
            constant rate show their labels beside the right frame.
        seconds: from the first request to the last write.
    """

    samples: int
    finished: int
    failed: int = 0
    statuses: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    variable_frame_rate: int = 0
    seconds: float = 0.0
    media_type: str = "video"

    def count(
        self,
        sample_id: str,
        outcomes: Iterable[tuple[str, Status, Error | None]],
        variable_frame_rate: bool,
    ) -> None:
        """Adds what happened to one sample: by operation its status, and its error if any."""
        self.variable_frame_rate += variable_frame_rate
        failures = []
        for operation, status, error in outcomes:
            counts = self.statuses.setdefault(operation, {})
            counts[str(status)] = counts.get(status, 0) + 1
            if error is not None:
                kind = str(error.kind)
                failures.append(Failure(sample_id, operation, kind, error.message))
                self.kinds[kind] = self.kinds.get(kind, 0) + 1
                self.examples.setdefault(kind, error.message)
        self.failed += bool(failures)
        self.failures += failures[: MAX_FAILURES - len(self.failures)]

    @property
    def labelled(self) -> int:
        """Samples of this call that have all their answers now."""
        return self.samples - self.finished - self.failed

    def __str__(self) -> str:
        table = [f"  {row}" for row in self.table()]
        wrapper = TextWrapper(WIDTH, "  ", "  ", break_long_words=False, break_on_hyphens=False)
        notes = [wrapper.fill(note) for note in self.notes()]
        return "\n".join([self.headline(), *table, *notes])

    def headline(self) -> str:
        """What became of the samples."""
        return (
            f"{self.samples} {self.media_type}s: {self.labelled} labelled, "
            f"{self.finished} finished before, {self.failed} with errors, in {self.seconds:.1f} s"
        )

    def table(self) -> list[str]:
        """A row for each operation, a column for each status that any of them has."""
        columns = [status for status in Status if any(status in s for s in self.statuses.values())]
        width = max(map(len, self.statuses), default=0)
        rows = []
        for operation, counts in self.statuses.items():
            cells = [f"{counts.get(status, 0):>6} {status}" for status in columns]
            rows.append(f"{operation:<{width}}{''.join(cells)}")
        return rows

    def notes(self) -> list[str]:
        """How many operations failed with which kind of error, and the first of each; and what to
        know before the labels are played."""
        kinds = [f"{n} × {kind}, e.g. {self.examples[kind]}" for kind, n in self.kinds.items()]
        varying = (
            f"{self.variable_frame_rate} with a variable frame rate: labels are on the right "
            "frames, and players that assume a constant rate show them beside these; "
            "fiftyone.utils.video.reencode_videos makes it constant"
        )
        return [*kinds, varying] if self.variable_frame_rate else kinds
