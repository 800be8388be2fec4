"""What is asked about every sample, and where its prompt comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molmo2_client.call import Operations, several
from molmo2_client.fiftyone.media_type import MediaType, check_operations
from molmo2_contract.operations import PROMPTED, Operation
from molmo2_contract.request import Request, parse_request

PromptFields = str | Mapping[str, str] | None
"""The sample field with the prompts: one for all operations, or one for each by its name."""

_PLACEHOLDER = "a prompt of the sample"


@dataclass(frozen=True)
class Question:
    """One operation as asked about every sample."""

    operation: str
    document: Mapping[str, Any]
    prompt_field: str | None

    @property
    def per_frame(self) -> bool:
        """Whether it wants a vector for each sampled frame, too."""
        return bool(self.document.get("per_frame"))

    def about(self, cell: object) -> Operation:
        """The operation for a sample whose prompt field holds ``cell``.

        ``None`` stands for the operation's own prompt.

        Raises:
            InvalidRequest: neither has a prompt, or it is no text, empty, or too long.
        """
        document = dict(self.document)
        if cell is not None:
            document["prompt"] = cell
        return _validated([document])[0]


def parse_questions(
    operations: Operations,
    prompt_field: PromptFields = None,
    media_type: MediaType = "video",
) -> list[Question]:
    """Checks everything that can be checked before a sample is read.

    Raises:
        InvalidRequest: an operation is unknown, or one of its settings is out of bounds, or it
            has no prompt and no field to take it from, or cannot be asked about images.
        ValueError: an operation is named twice, or a prompt field belongs to none.
    """
    documents = [_document(operation) for operation in several(operations)]
    names = [str(document.get("operation")) for document in documents]
    check_operations(names, media_type)
    fields = _prompt_fields(prompt_field, names)
    for document, name in zip(documents, names, strict=True):
        if name in fields and document.get("prompt") is None:
            document.pop("prompt", None)
    _validated(
        [
            {"prompt": _PLACEHOLDER, **document} if name in fields else document
            for document, name in zip(documents, names, strict=True)
        ]
    )
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(
            f"operations: {', '.join(sorted(twice))} is asked more than once, and would overwrite "
            "its own field; use a second call with another label_field"
        )
    return [
        Question(name, document, fields.get(name))
        for name, document in zip(names, documents, strict=True)
    ]


def _document(operation: Operation | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(operation, Mapping):
        return dict(operation)
    return operation.model_dump(mode="json")


def _prompt_fields(prompt_field: PromptFields, names: list[str]) -> dict[str, str]:
    takers = [name for name in names if name in PROMPTED]
    if prompt_field is None:
        return {}
    if isinstance(prompt_field, str):
        if not takers:
            raise ValueError(f"prompt_field={prompt_field!r}: no operation asked takes a prompt")
        return dict.fromkeys(takers, prompt_field)
    if unknown := set(prompt_field) - set(takers):
        raise ValueError(
            f"prompt_field: {', '.join(sorted(unknown))} takes no prompt or is not asked; "
            f"expected some of {', '.join(takers) or 'none'}"
        )
    return dict(prompt_field)


def _validated(documents: list[dict[str, Any]]) -> list[Operation]:
    request = parse_request({"operations": documents})
    assert isinstance(request, Request)
    return request.operations
