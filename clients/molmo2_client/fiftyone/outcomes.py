"""What a request's end says about each of its operations, as entries of the run record."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import fiftyone as fo

from molmo2_client.fiftyone.asking import Answer
from molmo2_client.fiftyone.limits import MAX_ERROR_CHARACTERS, cut
from molmo2_client.fiftyone.record import Asked, Record
from molmo2_client.fiftyone.task import Task
from molmo2_contract.errors import ErrorKind, Molmo2Error, from_wire
from molmo2_contract.images import ImagePointingResult, ImageResult, ImagesResponse
from molmo2_contract.operations import Operation
from molmo2_contract.results import EmbedResult, PointingResult, Result, Status


def answered(task: Task, answer: Answer, dropped: Mapping[str, int], seconds: float) -> Record:
    """The record of a request that was answered after ``seconds``."""
    request = {
        "at": datetime.now(UTC),
        "latency": seconds,
        "request_id": answer.request_id,
        "model": fo.DynamicEmbeddedDocument(**answer.model.model_dump()),
        **_looked_at(answer),
    }
    outcomes = {
        operation.operation: {
            **_asked(operation, task),
            **_outcome(result),
            "dropped": dropped.get(operation.operation, 0),
        }
        for operation, result in zip(task.operations, answer.results, strict=True)
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
        operation.operation: {**_asked(operation, task), **_error(error)}
        for operation in task.operations
    }
    return Record(request, outcomes | _refused(task))


def refused(task: Task) -> Record:
    """The record of a sample about which nothing could be asked."""
    return Record({"at": datetime.now(UTC)}, _refused(task))


def _looked_at(answer: Answer) -> dict[str, Any]:
    """What the server says about the file."""
    if isinstance(answer, ImagesResponse):
        (image,) = answer.images
        return {"image": fo.DynamicEmbeddedDocument(**image.model_dump())}
    facts = answer.video.model_dump(exclude={"sampled"})
    facts["sampled_frames"] = answer.video.sampled.frames
    return {"video": fo.DynamicEmbeddedDocument(**facts)}


def _refused(task: Task) -> dict[str, dict[str, Any]]:
    return {operation: _error(error) for operation, error in task.refused.items()}


def _asked(operation: Operation, task: Task) -> dict[str, Any]:
    asked = Asked.of(operation, task.sampling)
    return dict(zip(Asked.entries(operation.operation), asked, strict=True))


def _outcome(result: Result | ImageResult) -> dict[str, Any]:
    outcome: dict[str, Any] = {"status": str(result.status), "reason": result.reason}
    if isinstance(result, EmbedResult):
        outcome["per_frame"] = bool(result.frames)
    else:
        outcome["text"] = cut(result.text)
        outcome["finish_reason"] = result.finish_reason and str(result.finish_reason)
    if (
        isinstance(result, PointingResult | ImagePointingResult)
        and result.status is not Status.ERROR
    ):
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
