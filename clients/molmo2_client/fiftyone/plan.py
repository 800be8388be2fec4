"""Which samples are asked what: everything that earlier runs have not answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.clip import CLIP_FIELDS, Clip
from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.questions import Question
from molmo2_client.fiftyone.record import ANSWERED, Asked
from molmo2_client.fiftyone.samples import all_samples
from molmo2_client.fiftyone.task import DEFAULT_SAMPLING, Task
from molmo2_client.sampling import Sampling
from molmo2_contract.errors import InvalidRequest


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
    sampling: Sampling = DEFAULT_SAMPLING,
    redo: frozenset[str],
    redo_frames: bool = False,
) -> Plan:
    """Compares the questions with the run records.

    Args:
        sampling: how densely videos are sampled for all of them.
        redo: operations whose earlier answers do not count.
        redo_frames: whether vectors that frames had earlier do not count.

    Raises:
        ValueError: a sample has an answer to another question, which resuming would either keep
            under the new question's name or overwrite unasked.
    """
    tasks: list[Task] = []
    changed: list[str] = []
    finished = 0
    for row in _rows(view, questions, names):
        clip = Clip.of(*(row[name] for name in CLIP_FIELDS)) if view._is_clips else None
        task = Task(
            row["id"],
            row["filepath"],
            [],
            clip=clip,
            media_type=names.media_type,
            sampling=sampling,
        )
        for question in questions:
            earlier = _Earlier.of(row, question, names, redo, redo_frames)
            difference = _add(question, task, row.get(question.prompt_field or ""), earlier)
            changed += [difference] if difference else []
        if task.asked:
            tasks.append(task)
        else:
            finished += 1
    if changed:
        raise ValueError(
            f"{len(changed)} answers of {names.label_field!r} are to another question "
            f"({changed[0]}). Nothing was asked. Name another field to keep both, or give "
            "overwrite=True to replace them"
        )
    return Plan(tasks, finished)


@dataclass(frozen=True)
class _Earlier:
    """What a sample's run record says of one operation, as far as it counts."""

    answered: bool
    asked: Asked
    lacks_frames: bool
    """Whether vectors of frames are wanted and not there."""

    @classmethod
    def of(
        cls,
        row: dict[str, Any],
        question: Question,
        names: FieldNames,
        redo: frozenset[str],
        redo_frames: bool,
    ) -> Self:
        status, *asked = (row[path] for path in _record_paths(question, names))
        has_frames = not question.per_frame or (row[names.has_frame_vectors] and not redo_frames)
        answered = status in ANSWERED and question.operation not in redo
        return cls(answered, Asked(*asked), lacks_frames=not has_frames)


def _add(question: Question, task: Task, cell: object, earlier: _Earlier) -> str | None:
    """Puts into ``task`` what its sample lacks of ``question``.

    Returns what is not the same where the sample has an answer to another question.
    """
    try:
        operation = question.about(cell)
    except InvalidRequest as error:
        if not earlier.answered:
            task.refused[question.operation] = error
        return None
    asked = Asked.of(operation, task.sampling)
    if earlier.answered and asked != earlier.asked:
        return f"{question.operation} was {earlier.asked}, is {asked}"
    if not earlier.answered or earlier.lacks_frames:
        task.operations.append(operation)
    return None


def _rows(
    view: SampleCollection, questions: Sequence[Question], names: FieldNames
) -> list[dict[str, Any]]:
    """One dict a sample, in the order of ``view``, whatever fields the view itself leaves out."""
    columns = ["id", "filepath"]
    if view._is_clips:
        columns += CLIP_FIELDS
    for question in questions:
        columns += _record_paths(question, names)
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


def _record_paths(question: Question, names: FieldNames) -> list[str]:
    """Where the run record has the status of an operation, and the entries of ``Asked``."""
    entries = ("status", *Asked.entries(question.operation))
    return [f"{names.run}.{question.operation}.{entry}" for entry in entries]
