"""What a request's end says about each of its operations, as entries of the run record."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import fiftyone as fo

from molmo2_client.fiftyone.limits import MAX_ERROR_CHARACTERS, cut
from molmo2_client.fiftyone.plan import Task
from molmo2_client.fiftyone.record import Record, distinction, distinction_path
from molmo2_contract.errors import ErrorKind, Molmo2Error, from_wire
from molmo2_contract.operations import Operation
from molmo2_contract.response import Response
from molmo2_contract.results import EmbedResult, PointingResult, Result, Status


def answered(task: Task, response: Response, dropped: Mapping[str, int], seconds: float) -> Record:
    """The record of a request that was answered after ``seconds``."""
    request = {
        "at": datetime.now(UTC),
        "latency": seconds,
        "request_id": response.request_id,
        "model": fo.DynamicEmbeddedDocument(**response.model.model_dump()),
        "video": fo.DynamicEmbeddedDocument(**response.video.model_dump(exclude={"sampled"})),
    }
    outcomes = {
        operation.operation: {
            **_asked(operation),
            **_outcome(result),
            "dropped": dropped.get(operation.operation, 0),
        }
        for operation, result in zip(task.operations, response.results, strict=True)
    }
    return Record(request, outcomes | _refused(task))


def failed(task: Task, error: BaseException, seconds: float) -> Record:
    """The record of a request that failed as a whole after ``seconds``."""
    request = {
        "at": datetime.now(UTC),
        "latency": seconds,
        "request_id": getattr(error, "request_id", None),
    }
    outcomes = {
        operation.operation: {**_asked(operation), **_error(error)} for operation in task.operations
    }
    return Record(request, outcomes | _refused(task))


def refused(task: Task) -> Record:
    """The record of a sample about which nothing could be asked."""
    return Record({"at": datetime.now(UTC)}, _refused(task))


def _refused(task: Task) -> dict[str, dict[str, Any]]:
    return {operation: _error(error) for operation, error in task.refused.items()}


def _asked(operation: Operation) -> dict[str, Any]:
    return {distinction_path(operation.operation): distinction(operation)}


def _outcome(result: Result) -> dict[str, Any]:
    outcome: dict[str, Any] = {"status": str(result.status), "reason": result.reason}
    if not isinstance(result, EmbedResult):
        outcome["text"] = cut(result.text)
        outcome["finish_reason"] = result.finish_reason and str(result.finish_reason)
    if isinstance(result, PointingResult) and result.status is not Status.ERROR:
        outcome["count"] = result.count
    if result.error is not None:
        outcome |= _error(from_wire(result.error))
    return outcome


def _error(error: BaseException) -> dict[str, Any]:
    if isinstance(error, Molmo2Error):
        kind, message = error.kind, error.message
    else:
        kind, message = ErrorKind.INTERNAL, f"{type(error).__name__}: {error}"
    return {
        "status": str(Status.ERROR),
        "error_kind": str(kind),
        "error": cut(message, MAX_ERROR_CHARACTERS),
    }
