"""Everything that can be wrong with a labelling before its first request."""

from collections.abc import Iterable
from dataclasses import replace

from fiftyone.core.collections import SampleCollection

from molmo2_client.call import Operations
from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.media_type import check_sampling, media_type_of
from molmo2_client.fiftyone.questions import PromptFields, Question, parse_questions
from molmo2_client.fiftyone.record import RECORD
from molmo2_client.fiftyone.samples import all_samples, check_prompt_fields
from molmo2_client.fiftyone.schema import FieldType, check_types
from molmo2_client.sampling import Sampling
from molmo2_contract.errors import InvalidRequest


def check_labelling(
    view: SampleCollection,
    operations: Operations,
    *,
    label_field: str,
    embeddings_field: str | None = None,
    prompt_field: PromptFields = None,
    sampling: Sampling,
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
    check_sampling(sampling, media_type)
    if _asks_frames(view, questions) or _has_frame_vectors(view, names):
        names = replace(names, frame_vectors=True)
    check_types(view._dataset, fields_of(questions, names), videos=view._root_dataset)
    return questions, names


def _asks_frames(view: SampleCollection, questions: Iterable[Question]) -> bool:
    if not any(question.per_frame for question in questions):
        return False
    if view.media_type == "image":
        raise InvalidRequest("embed.per_frame: images have no frames", field="operations")
    if view._is_clips:
        raise InvalidRequest(
            "embed.per_frame: clips share their frames, and a frame holds one vector; ask about "
            "the videos that they are of, or take the vectors of clips from Molmo2.embed",
            field="operations",
        )
    return True


def _has_frame_vectors(view: SampleCollection, names: FieldNames) -> bool:
    """Whether earlier runs gave frames vectors, which go with the videos' when those are redone."""
    dataset = view._dataset
    if view._is_clips or any(
        dataset.get_field(path) is None for path in (names.run, names.frame_embeddings)
    ):
        return False
    return any(all_samples(view).values(names.has_frame_vectors))


def fields_of(questions: Iterable[Question], names: FieldNames) -> dict[str, FieldType]:
    """Path to type of all fields that ``questions`` fill, the run record among them."""
    fields: dict[str, FieldType] = {names.run: RECORD}
    for question in questions:
        fields |= names.of(question.operation)
    return fields
