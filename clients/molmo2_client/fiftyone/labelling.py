"""The writing side of one call: answers as they come, until all are there or it is interrupted."""

import time
from collections.abc import Callable

import fiftyone.core.utils as fou

from molmo2_client.circuit_breaker import CircuitBreaker
from molmo2_client.concurrent_calls import Call, ConcurrentCalls
from molmo2_client.fiftyone.asking import Answer
from molmo2_client.fiftyone.densify import Densify
from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.labels import Labels
from molmo2_client.fiftyone.mapping import to_labels
from molmo2_client.fiftyone.outcomes import answered, failed, refused
from molmo2_client.fiftyone.plan import Plan
from molmo2_client.fiftyone.record import Record
from molmo2_client.fiftyone.task import Task
from molmo2_client.fiftyone.writer import LabelWriter
from molmo2_client.summary import LabelSummary
from molmo2_contract.response import Response

Progress = Callable[[fou.ProgressBar], None] | bool | None
"""Whether to draw a progress bar, or what to call after each sample."""


class Labelling:
    """Writes the answers to the tasks of ``plan`` through ``writer``, and counts them."""

    def __init__(
        self, writer: LabelWriter, names: FieldNames, plan: Plan, densify: Densify
    ) -> None:
        self._writer = writer
        self._names = names
        self._plan = plan
        self._densify = densify
        self._summary = LabelSummary(
            samples=len(plan.tasks) + plan.finished,
            finished=plan.finished,
            media_type=names.media_type,
        )

    def run(
        self,
        calls: ConcurrentCalls[Task, Answer | None],
        breaker: CircuitBreaker,
        progress: Progress,
    ) -> LabelSummary:
        started = time.monotonic()
        kind = f"{self._names.media_type}s"
        bar = fou.ProgressBar(total=len(self._plan.tasks), progress=progress, iters_str=kind)
        try:
            with bar, calls:
                for call in calls:
                    self._store(call)
                    if not calls.others_returned():
                        self._writer.flush()
                    breaker.note(call.error)
                    bar.update()
        finally:
            for call in calls.returned():
                self._store(call)
            self._writer.flush()
        self._summary.seconds = time.monotonic() - started
        return self._summary

    def _store(self, call: Call[Task, Answer | None]) -> None:
        labels, record = self._written(call)
        self._writer.add(call.task.sample_id, labels, record)
        varies = isinstance(call.answer, Response) and call.answer.video.variable_frame_rate
        self._summary.count(call.task.sample_id, record.outcomes_and_errors(), varies)

    def _written(self, call: Call[Task, Answer | None]) -> tuple[Labels, Record]:
        if call.error is not None:
            return Labels(), failed(call.task, call.error, call.seconds)
        if call.answer is None:
            return Labels(), refused(call.task)
        task = call.task
        labels = to_labels(
            call.answer, self._names, task.sample_id, clip=task.clip, densify=self._densify
        )
        return labels, answered(call.task, call.answer, labels.dropped, call.seconds)
