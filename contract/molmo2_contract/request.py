"""A request: one video, one or more operations."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from molmo2_contract.base import WireModel
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.limits import MAX_OPERATIONS, MAX_TIMEOUT
from molmo2_contract.operations import OPERATION_NAMES, Operation
from molmo2_contract.video import Video


class Request(WireModel):
    """Everything asked about one video; decoded, encoded and prefilled once for all of it."""

    video: Video = Field(default_factory=lambda: Video.model_validate({}))
    operations: Annotated[list[Operation], Field(min_length=1, max_length=MAX_OPERATIONS)]
    timeout: float = Field(120.0, gt=0, le=MAX_TIMEOUT, description="Seconds for the whole of it.")
    stream: bool = Field(False, description="Answer with events. The call must agree.")
    request_id: str | None = Field(None, min_length=1, max_length=128)


class InfoRequest(WireModel):
    """Asks the server what it serves and what its limits are; needs no video."""

    info: Literal[True]


_REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


def parse_request(document: bytes | bytearray | str | dict[str, Any]) -> Request | InfoRequest:
    """Validates a request's JSON.

    Raises:
        InvalidRequest: naming the first field at fault, its bound and what is accepted.
    """
    if not isinstance(document, dict):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"the request is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise InvalidRequest("the request must be a JSON object with 'video' and 'operations'")
    try:
        if "info" in document:
            return InfoRequest.model_validate(document)
        return _REQUEST.validate_python(document)
    except ValidationError as error:
        raise _first_fault(error) from None


def _first_fault(error: ValidationError) -> InvalidRequest:
    faults = error.errors(include_url=False, include_context=True)
    field = _path(faults[0]["loc"])
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    return InvalidRequest(f"{field}: {_explain(faults[0])}{more}", field=field)


def _explain(fault: ErrorDetails) -> str:
    match fault["type"]:
        case "extra_forbidden":
            return "unknown field; remove it or check its spelling"
        case "missing":
            return "required, and missing"
        case "union_tag_invalid" | "union_tag_not_found":
            return f"unknown operation; expected one of {', '.join(OPERATION_NAMES)}"
        case "list_type" if fault["loc"] == ("operations",):
            return "must be a list of operations"
        case _:
            return fault["msg"].removeprefix("Value error, ")


def _path(location: tuple[int | str, ...]) -> str:
    """``("operations", 0, "pointing", "prompt")`` as ``operations[0].prompt``."""
    path = ""
    for previous, part in zip((None, *location), location, strict=False):
        if isinstance(part, int):
            path += f"[{part}]"
        elif not (isinstance(previous, int) and part in OPERATION_NAMES):
            path += f".{part}" if path else part
    return path or "request"
