"""What a call of ``label_dataset`` did."""

from dataclasses import dataclass, field

from molmo2_client.fiftyone.record import ANSWERED, Record

MAX_FAILURES = 20
"""Failures that a summary names; all of them are in the run records."""


@dataclass(frozen=True)
class Failure:
    """One operation of one sample that has no answer."""

    sample_id: str
    operation: str
    kind: str
    message: str


@dataclass
class LabelSummary:
    """Samples and answers of one call.

    Attributes:
        samples: samples in the view.
        finished: those that earlier calls had answered in full; they were not asked.
        failed: samples of this call with at least one operation that has no answer.
        statuses: by operation, how many answers of this call had which status.
        failures: the first ``MAX_FAILURES`` of them.
        variable_frame_rate: samples of this call whose video has one. Players that assume a
            constant rate show their labels beside the right frame.
        seconds: from the first request to the last write.
    """

    samples: int
    finished: int
    failed: int = 0
    statuses: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    variable_frame_rate: int = 0
    seconds: float = 0.0

    def count(self, sample_id: str, record: Record) -> None:
        """Adds what happened to one sample."""
        video = record.request.get("video")
        self.variable_frame_rate += bool(video and video.variable_frame_rate)
        failures = []
        for operation, outcome in record.outcomes.items():
            status = outcome["status"]
            counts = self.statuses.setdefault(operation, {})
            counts[status] = counts.get(status, 0) + 1
            if status not in ANSWERED:
                failures.append(
                    Failure(sample_id, operation, outcome["error_kind"], outcome["error"])
                )
        self.failed += bool(failures)
        self.failures += failures[: MAX_FAILURES - len(self.failures)]

    @property
    def labelled(self) -> int:
        """Samples of this call that have all their answers now."""
        return self.samples - self.finished - self.failed

    def __str__(self) -> str:
        lines = [
            f"{self.samples} videos: {self.labelled} labelled, {self.finished} finished before, "
            f"{self.failed} with errors, in {self.seconds:.1f} s"
        ]
        for operation, statuses in self.statuses.items():
            counts = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
            lines.append(f"  {operation}: {counts}")
        if self.variable_frame_rate:
            lines.append(
                f"  {self.variable_frame_rate} with a variable frame rate: players may show "
                "labels beside their frame; fiftyone.utils.video.reencode_videos makes it constant"
            )
        return "\n".join(lines)
