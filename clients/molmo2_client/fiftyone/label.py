"""``label_dataset``: from a view of videos to a view of labelled videos."""

import time
from collections.abc import Callable, Sequence
from functools import partial

import fiftyone as fo
import fiftyone.core.utils as fou
from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.asking import Asks, CircuitBreaker, ask
from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.mapping import Labels, to_labels
from molmo2_client.fiftyone.outcomes import answered, failed, refused
from molmo2_client.fiftyone.plan import Plan, Task, make_plan
from molmo2_client.fiftyone.questions import (
    OperationLike,
    PromptFields,
    Question,
    parse_questions,
)
from molmo2_client.fiftyone.record import Record, record_type
from molmo2_client.fiftyone.runner import Call, ConcurrentCalls
from molmo2_client.fiftyone.samples import all_videos, check_prompt_fields, check_videos
from molmo2_client.fiftyone.schema import FieldType, declare
from molmo2_client.fiftyone.summary import LabelSummary
from molmo2_client.fiftyone.writer import LabelWriter
from molmo2_contract.response import Response

Progress = Callable[[fou.ProgressBar], None] | bool | None
"""Whether to draw a progress bar, or what to call after each video."""

CONCURRENCY = 8
"""Requests under way at once, by default."""


def label_dataset(
    view: SampleCollection,
    operations: Sequence[OperationLike],
    *,
    client: Asks,
    label_field: str = "molmo2",
    embeddings_field: str | None = None,
    prompt_field: PromptFields = None,
    overwrite: bool = False,
    concurrency: int = CONCURRENCY,
    timeout: float | None = None,
    progress: Progress = True,
) -> LabelSummary:
    """Asks ``operations`` about every video of ``view`` and writes the answers into its dataset.

    One request a sample carries all operations that the sample lacks. A call continues where an
    earlier one ended, however it ended: only operations without an answer are asked. A request
    that fails is noted in the sample's run record and the others go on.

    Args:
        view: a dataset or view of videos.
        operations: contract operations, dicts of them, or names where no prompt is needed. Each
            at most once.
        client: asks the server, e.g. ``molmo2_client.Molmo2(url=…)``.
        label_field: the beginning of the names of all fields; ``fields`` has the table.
        embeddings_field: where ``embed`` puts its vector; default ``<label_field>_embedding``.
        prompt_field: a string field with each sample's prompt, for all operations that take one,
            or a dict of operation to field. ``None`` cells fall back to the operation's prompt.
        overwrite: ask about all samples again. An answer replaces the earlier labels of its
            operation; an error leaves them.
        concurrency: requests under way at once.
        timeout: seconds that the server gets for a request; default the client's.
        progress: whether to draw a progress bar, ``None`` for FiftyOne's setting, or a function
            called with the bar after each video.

    Raises:
        InvalidRequest: an operation cannot be asked like this. Nothing was asked.
        FieldClash: the dataset has a field of another type. Nothing was asked.
        ValueError: another argument is at fault, or the samples have answers to another prompt.
            Nothing was asked.
        Unauthorized: the token was refused.
        EngineUnavailable: the server stayed away for as many calls as run at once. As after
            Ctrl-C, what was answered until then is written, and the next call continues.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency={concurrency}: must be at least 1")
    names = FieldNames(label_field, embeddings_field or f"{label_field}_embedding")
    questions = parse_questions(operations, prompt_field)
    check_videos(view)
    check_prompt_fields(view, questions)
    fresh = _declare_fields(view._dataset, questions, names)
    redo = frozenset(q.operation for q in questions) if overwrite else fresh
    plan = make_plan(view, questions, names, redo=redo)
    labelling = _Labelling(all_videos(view), names, plan)
    calls = ConcurrentCalls(
        partial(ask, client, timeout=timeout), plan.tasks, concurrency=concurrency
    )
    return labelling.run(calls, CircuitBreaker(concurrency), progress)


def _declare_fields(
    dataset: fo.Dataset, questions: Sequence[Question], names: FieldNames
) -> frozenset[str]:
    """Declares all fields; returns the operations that had none, whatever run records say."""
    fields: dict[str, FieldType] = {}
    for question in questions:
        fields |= names.of(question.operation)
    fields[names.run] = record_type(question.operation for question in questions)
    new = declare(dataset, fields)
    return frozenset(q.operation for q in questions if new & names.of(q.operation).keys())


class _Labelling:
    """The writing side of one call."""

    def __init__(self, samples: SampleCollection, names: FieldNames, plan: Plan) -> None:
        self._names = names
        self._plan = plan
        self._writer = LabelWriter(samples, names.run)
        self._summary = LabelSummary(
            samples=len(plan.tasks) + plan.finished, finished=plan.finished
        )

    def run(
        self,
        calls: ConcurrentCalls[Task, Response | None],
        breaker: CircuitBreaker,
        progress: Progress,
    ) -> LabelSummary:
        started = time.monotonic()
        bar = fou.ProgressBar(total=len(self._plan.tasks), progress=progress, iters_str="videos")
        try:
            with bar, calls:
                for call in calls:
                    self._store(call)
                    breaker.note(call.error)
                    bar.update()
        finally:
            for call in calls.returned():
                self._store(call)
            self._writer.flush()
        self._summary.seconds = time.monotonic() - started
        return self._summary

    def _store(self, call: Call[Task, Response | None]) -> None:
        labels, record = self._written(call)
        self._writer.add(call.task.sample_id, labels, record)
        self._summary.count(call.task.sample_id, record)

    def _written(self, call: Call[Task, Response | None]) -> tuple[Labels, Record]:
        if call.error is not None:
            return Labels(), failed(call.task, call.error, call.seconds)
        if call.answer is None:
            return Labels(), refused(call.task)
        labels = to_labels(call.answer, self._names, call.task.sample_id)
        return labels, answered(call.task, call.answer, labels.dropped, call.seconds)
