"""What ``molmo2 ask`` was told, as a question to a client."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import typer

from molmo2_client.call import Options
from molmo2_client.media import VideoLike
from molmo2_contract.images import ImagesRequest
from molmo2_contract.operations import OPERATION_NAMES, PROMPTED, Operation
from molmo2_contract.request import InfoRequest, Request, parse_request


@dataclass(frozen=True, slots=True)
class Question:
    """The arguments of ``Molmo2.ask``."""

    video: VideoLike
    operations: Sequence[Operation | Mapping[str, Any]]
    options: Options

    def names(self) -> list[str]:
        """What each operation is called on the screen."""
        return [_name(operation) for operation in self.operations]


def _name(operation: Operation | Mapping[str, Any]) -> str:
    said = operation if isinstance(operation, Mapping) else operation.model_dump()
    prompt = said.get("prompt")
    return f'{said["operation"]} "{prompt}"' if prompt else str(said["operation"])


def from_options(
    video: str | None,
    operations: list[str],
    prompts: list[str],
    options: Options,
    schema: typer.FileText | None = None,
) -> Question:
    """The operations in their order; the prompts go, in theirs, to those that take one.

    Raises:
        typer.BadParameter: no video, an unknown operation, not one prompt for each operation that
            takes one, or a schema that is no JSON or for none of them.
    """
    if video is None:
        raise typer.BadParameter("missing", param_hint="VIDEO")
    asked = with_prompts(operations, prompts, OPERATION_NAMES)
    return Question(video, held_to(asked, schema), options)


def with_prompts(
    operations: list[str], prompts: list[str], known: tuple[str, ...], *, or_field: bool = False
) -> list[Mapping[str, Any]]:
    """The operations in their order; the prompts go, in theirs, to those that take one.

    With ``or_field`` there may be none: a field of the samples has them.

    Raises:
        typer.BadParameter: an operation that is not ``known``, or not one prompt for each that
            takes one.
    """
    unknown = [name for name in operations if name not in known]
    if unknown:
        expected = f"expected one of {', '.join(known)}"
        raise typer.BadParameter(f"{unknown[0]!r}; {expected}", param_hint="--operation")
    takers = [name for name in operations if name in PROMPTED]
    if len(takers) != len(prompts) and (prompts or not or_field):
        wanted = f"one for {', one for '.join(takers)}" if takers else "none"
        raise typer.BadParameter(f"{len(prompts)} given, wanted: {wanted}", param_hint="--prompt")
    remaining = iter(prompts)
    return [
        {"operation": name} | ({"prompt": next(remaining)} if name in PROMPTED and prompts else {})
        for name in operations
    ]


def held_to(
    operations: Sequence[Mapping[str, Any]], schema: typer.FileText | None
) -> list[Mapping[str, Any]]:
    """The same operations, of which describe follows the JSON Schema in the file ``schema``.

    Raises:
        typer.BadParameter: it is no JSON, or describe is not asked.
    """
    if schema is None:
        return list(operations)
    if not any(operation["operation"] == "describe" for operation in operations):
        raise typer.BadParameter("only describe follows one", param_hint="--schema")
    try:
        read = json.load(schema)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"not JSON: {error}", param_hint="--schema") from None
    return [
        {**operation, "json_schema": read} if operation["operation"] == "describe" else operation
        for operation in operations
    ]


def bounded(
    operations: Sequence[Mapping[str, Any]], max_new_tokens: int | None
) -> list[Mapping[str, Any]]:
    """The same operations, of which those that write text write at most so many tokens.

    Raises:
        typer.BadParameter: none of them does.
    """
    if max_new_tokens is None:
        return list(operations)
    if all(operation["operation"] == "embed" for operation in operations):
        raise typer.BadParameter("embed writes none", param_hint="--max-new-tokens")
    return [
        operation
        if operation["operation"] == "embed"
        else {**operation, "max_new_tokens": max_new_tokens}
        for operation in operations
    ]


def from_document(video: str | None, document: str, options: Options) -> Question:
    """The request in ``document``; ``video`` stands for a URI that it lacks, and ``options`` for
    what they say otherwise.

    Raises:
        InvalidRequest: naming the first field of the document at fault.
        typer.BadParameter: it asks for the server's description, or there is no video, or two.
    """
    request = parse_request(document)
    if isinstance(request, InfoRequest):
        raise typer.BadParameter("ask for this with: molmo2 info", param_hint="--request")
    if isinstance(request, ImagesRequest):
        raise typer.BadParameter("ask for this with: molmo2 ask-images", param_hint="--request")
    match video, request.video.uri:
        case (str() as source, None) | (None, str() as source):
            return Question(source, request.operations, _options_of(request) | options)
        case _:
            raise typer.BadParameter(
                "give it as the argument or as the request's video.uri, one of the two",
                param_hint="VIDEO",
            )


def _options_of(request: Request) -> Options:
    said: dict[str, Any] = request.model_dump(include={"timeout", "request_id"}, exclude_unset=True)
    said |= request.video.model_dump(exclude={"uri"}, exclude_unset=True)
    return cast(Options, said)
