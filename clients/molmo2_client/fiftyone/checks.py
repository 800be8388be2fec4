"""Everything that can be wrong with a labelling before its first request."""

from collections.abc import Iterable, Sequence

from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.media_type import media_type_of
from molmo2_client.fiftyone.questions import (
    OperationLike,
    PromptFields,
    Question,
    parse_questions,
)
from molmo2_client.fiftyone.record import RECORD
from molmo2_client.fiftyone.samples import check_prompt_fields
from molmo2_client.fiftyone.schema import FieldType, check_types


def check_labelling(
    view: SampleCollection,
    operations: Sequence[OperationLike],
    *,
    label_field: str,
    embeddings_field: str | None = None,
    prompt_field: PromptFields = None,
) -> tuple[list[Question], FieldNames]:
    """Checks the arguments of ``label_dataset``; asks nothing and writes nothing.

    Raises:
        InvalidRequest: an operation cannot be asked like this.
        FieldClash: the dataset has a field of another type.
        ValueError: another argument is at fault.
    """
    media_type = media_type_of(view)
    names = FieldNames(label_field, embeddings_field or f"{label_field}_embedding", media_type)
    questions = parse_questions(operations, prompt_field, media_type)
    check_prompt_fields(view, questions)
    check_types(view._dataset, fields_of(questions, names), videos=view._root_dataset)
    return questions, names


def fields_of(questions: Iterable[Question], names: FieldNames) -> dict[str, FieldType]:
    """Path to type of all fields that ``questions`` fill, the run record among them."""
    fields: dict[str, FieldType] = {names.run: RECORD}
    for question in questions:
        fields |= names.of(question.operation)
    return fields
