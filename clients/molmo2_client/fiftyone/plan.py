"""Which samples are asked what: everything that earlier runs have not answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.clip import Clip
from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.media_type import MediaType
from molmo2_client.fiftyone.questions import Question
from molmo2_client.fiftyone.record import ANSWERED, distinction, distinction_path
from molmo2_client.fiftyone.samples import all_samples
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.operations import Operation

_FRAME_RATE, _FRAME_COUNT = "metadata.frame_rate", "metadata.total_frame_count"


@dataclass(frozen=True)
class Task:
    """One request: the operations that one sample still lacks.

    ``refused`` holds, by operation, why it cannot even be asked about this sample. ``clip`` says
    which part of the video the sample is, where it is one.
    """

    sample_id: str
    filepath: str
    operations: list[Operation]
    refused: dict[str, InvalidRequest] = field(default_factory=dict)
    clip: Clip | None = None
    media_type: MediaType = "video"

    @property
    def asked(self) -> list[str]:
        """The names of all operations that this task will have an outcome for."""
        return [*(operation.operation for operation in self.operations), *self.refused]


@dataclass(frozen=True)
class Plan:
    """``finished`` counts the samples that lack nothing."""

    tasks: list[Task]
    finished: int


def make_plan(
    view: SampleCollection,
    questions: Sequence[Question],
    names: FieldNames,
    *,
    redo: frozenset[str],
    redo_frames: bool = False,
) -> Plan:
    """Compares the questions with the run records.

    Args:
        redo: operations whose earlier answers do not count.
        redo_frames: whether vectors that frames had earlier do not count.

    Raises:
        ValueError: a sample has an answer to another prompt, which resuming would either keep
            under the new prompt's name or overwrite unasked.
    """
    tasks: list[Task] = []
    changed: list[str] = []
    finished = 0
    for row in _rows(view, questions, names):
        task = Task(row["id"], row["filepath"], [], clip=_clip(row), media_type=names.media_type)
        for question in questions:
            status, before = row[_status_path(question, names)], row[_before_path(question, names)]
            answered = status in ANSWERED and question.operation not in redo
            try:
                operation = question.about(row.get(question.prompt_field or ""))
            except InvalidRequest as error:
                if not answered:
                    task.refused[question.operation] = error
                continue
            if answered and distinction(operation) != before:
                changed.append(
                    f"{question.operation} was {before!r}, is {distinction(operation)!r}"
                )
            elif not answered or (
                question.per_frame and (redo_frames or not row[names.has_frame_vectors])
            ):
                task.operations.append(operation)
        if task.asked:
            tasks.append(task)
        else:
            finished += 1
    if changed:
        raise ValueError(
            f"{len(changed)} answers of {names.label_field!r} are to another question "
            f"({changed[0]}). Nothing was asked. Give another label_field to keep both, or "
            "overwrite=True to replace them"
        )
    return Plan(tasks, finished)


def _clip(row: dict[str, Any]) -> Clip | None:
    if "support" not in row:
        return None
    first, last = row["support"]
    return Clip(row["sample_id"], first, last, row[_FRAME_RATE], row[_FRAME_COUNT])


def _rows(
    view: SampleCollection, questions: Sequence[Question], names: FieldNames
) -> list[dict[str, Any]]:
    """One dict a sample, in the order of ``view``, whatever fields the view itself leaves out."""
    columns = ["id", "filepath"]
    if view._is_clips:
        columns += ["sample_id", "support", _FRAME_RATE, _FRAME_COUNT]
    for question in questions:
        columns += [_status_path(question, names), _before_path(question, names)]
        columns += [question.prompt_field] if question.prompt_field else []
        columns += [names.has_frame_vectors] if question.per_frame else []
    ids = dict.fromkeys(view.values("id"))
    samples = all_samples(view)
    if len(ids) < len(samples):
        samples = samples.select(list(ids))  # in order it would take quadratic time
    columns = list(dict.fromkeys(columns))
    rows = zip(*samples.values(columns), strict=True)
    by_id = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
    return [by_id[sample_id] for sample_id in ids]


def _status_path(question: Question, names: FieldNames) -> str:
    return f"{names.run}.{question.operation}.status"


def _before_path(question: Question, names: FieldNames) -> str:
    return f"{names.run}.{question.operation}.{distinction_path(question.operation)}"
