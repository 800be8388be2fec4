"""A request: one video, one or more operations."""

import json
import re
import reprlib
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from molmo2_contract.base import RequestId, Timeout, WireModel
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.images import IMAGE_OPERATION_NAMES, ImagesRequest
from molmo2_contract.limits import MAX_OPERATIONS, MAX_SCHEMA_DEPTH
from molmo2_contract.operations import OPERATION_NAMES, Operation
from molmo2_contract.video import Video


class Request(WireModel):
    """Everything asked about one video; decoded, encoded and prefilled once for all of it."""

    video: Video = Field(default_factory=lambda: Video.model_validate({}))
    operations: Annotated[list[Operation], Field(min_length=1, max_length=MAX_OPERATIONS)]
    timeout: Timeout = 120.0
    stream: bool = Field(False, strict=True, description="Answer with events. The call must agree.")
    request_id: RequestId | None = None


class InfoRequest(WireModel):
    """Asks the server what it serves and what its limits are; needs no video."""

    info: Literal[True]


_RAISED = "Value error, "  # how pydantic begins the messages of our own checks


def parse_request(document: Any) -> Request | ImagesRequest | InfoRequest:
    """Validates a request: its JSON as text or bytes, or what that was read into.

    Raises:
        InvalidRequest: naming the first field at fault, its bound and what is accepted.
    """
    if isinstance(document, str | bytes | bytearray):
        document = _load(document)
    if not isinstance(document, dict):
        raise InvalidRequest("the request must be a JSON object with 'video' and 'operations'")
    if "info" in document and "operations" in document:
        raise InvalidRequest(
            "info: is asked for alone; leave it out to ask about a video", field="info"
        )
    if "images" in document and "video" in document:
        raise InvalidRequest("images: are asked about without a video", field="images")
    try:
        if "info" in document:
            return InfoRequest.model_validate(document)
        if "images" in document:
            return ImagesRequest.model_validate(document)
        return Request.model_validate(document)
    except ValidationError as error:
        known = IMAGE_OPERATION_NAMES if "images" in document else OPERATION_NAMES
        raise _first_fault(error, known) from None


def _load(document: str | bytes | bytearray) -> Any:
    try:
        return json.loads(document)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"the request is not JSON: {error}") from None
    except RecursionError:
        raise InvalidRequest(
            "the request is nested too deeply; it has 3 levels, and a json_schema in it at most "
            f"{MAX_SCHEMA_DEPTH}"
        ) from None
    except ValueError:
        raise InvalidRequest("the request holds an integer of more than 4300 digits") from None


def _first_fault(error: ValidationError, operations: tuple[str, ...]) -> InvalidRequest:
    faults = error.errors(include_url=False, include_input=False)
    field = _path(faults[0]["loc"])
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    return InvalidRequest(f"{field}: {_explain(faults[0], operations)}{more}", field=field)


def _explain(fault: ErrorDetails, operations: tuple[str, ...]) -> str:
    name = fault["loc"][-1] if fault["loc"] else ""
    match fault["type"]:
        case "extra_forbidden":
            return "unknown field; remove it or check its spelling"
        case "missing":
            return "required, and missing"
        case "union_tag_invalid":
            given = reprlib.repr(fault["ctx"]["tag"])
            return f"unknown operation {given}; expected one of {', '.join(operations)}"
        case "union_tag_not_found":
            return f"names no operation; expected one of {', '.join(operations)}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must be a JSON object"
        case "list_type":
            return f"must be a list of {name}"
        case "too_short":
            return "must hold at least one operation"
        case "too_long":
            return f"must hold at most {fault['ctx']['max_length']} {name}; make several requests"
        case "string_too_short":
            return "must not be empty"
        case _:
            return re.sub("^(Input|String) should", "must", fault["msg"].removeprefix(_RAISED))


def _path(location: tuple[int | str, ...]) -> str:
    """``("operations", 0, "pointing", "prompt")`` as ``operations[0].prompt``."""
    path = ""
    for previous, part in zip((None, *location), location, strict=False):
        if isinstance(part, int):
            path += f"[{part}]"
        elif not (isinstance(previous, int) and part in OPERATION_NAMES):
            path += f".{part}" if path else part
    return path or "request"
