"""Everything that can go wrong with a request, as one tree.

    Molmo2Error
    ├── InvalidRequest        the request itself is wrong: field, bound and remedy are named
    ├── Unauthorized          the token is missing, wrong or expired
    ├── VideoForbidden        the video lies outside the roots that this server may read
    ├── VideoNotFound         nothing is there
    ├── VideoUnreadable       it is there and is not a video that can be decoded
    ├── VideoTooLong          it samples to more than the model can attend to
    ├── TooLarge              more bytes than this server takes
    ├── Overloaded            all slots are busy; try again after ``retry_after`` seconds
    ├── DeadlineExceeded      the request's ``timeout`` passed
    ├── EngineUnavailable     the engine process is away; it is being restarted
    └── InternalError         a defect of the server

The handler raises these, the body of an answer carries them as ``Error``, and the clients raise
the same classes again.
"""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from molmo2_contract.base import WireModel


class ErrorKind(StrEnum):
    """The ``kind`` of an error on the wire."""

    INVALID_REQUEST = "invalid_request"
    UNAUTHORIZED = "unauthorized"
    VIDEO_FORBIDDEN = "video_forbidden"
    VIDEO_NOT_FOUND = "video_not_found"
    VIDEO_UNREADABLE = "video_unreadable"
    VIDEO_TOO_LONG = "video_too_long"
    TOO_LARGE = "too_large"
    OVERLOADED = "overloaded"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    INTERNAL = "internal"


class Error(WireModel):
    """An error as it travels in a body."""

    kind: ErrorKind
    message: str = Field(description="What is wrong, the bound that was broken, and what to do.")
    field: str | None = Field(None, description="The field at fault, e.g. operations[0].prompt.")
    retry_after: float | None = Field(None, ge=0, description="Seconds to wait before a retry.")


class Molmo2Error(Exception):
    """Base of every error of this project; never raised itself."""

    kind: ClassVar[ErrorKind]
    http_status: ClassVar[int]

    def __init__(
        self, message: str, *, field: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.retry_after = retry_after
        self.request_id: str | None = None

    def to_wire(self) -> Error:
        """This error as the body carries it."""
        return Error(
            kind=self.kind, message=self.message, field=self.field, retry_after=self.retry_after
        )


class InvalidRequest(Molmo2Error):
    kind = ErrorKind.INVALID_REQUEST
    http_status = 400


class Unauthorized(Molmo2Error):
    kind = ErrorKind.UNAUTHORIZED
    http_status = 401


class VideoForbidden(Molmo2Error):
    kind = ErrorKind.VIDEO_FORBIDDEN
    http_status = 403


class VideoNotFound(Molmo2Error):
    kind = ErrorKind.VIDEO_NOT_FOUND
    http_status = 404


class VideoUnreadable(Molmo2Error):
    kind = ErrorKind.VIDEO_UNREADABLE
    http_status = 422


class VideoTooLong(Molmo2Error):
    kind = ErrorKind.VIDEO_TOO_LONG
    http_status = 422


class TooLarge(Molmo2Error):
    kind = ErrorKind.TOO_LARGE
    http_status = 413


class Overloaded(Molmo2Error):
    kind = ErrorKind.OVERLOADED
    http_status = 503


class DeadlineExceeded(Molmo2Error):
    kind = ErrorKind.DEADLINE_EXCEEDED
    http_status = 504


class EngineUnavailable(Molmo2Error):
    kind = ErrorKind.ENGINE_UNAVAILABLE
    http_status = 503


class InternalError(Molmo2Error):
    kind = ErrorKind.INTERNAL
    http_status = 500


_CLASSES: dict[ErrorKind, type[Molmo2Error]] = {c.kind: c for c in Molmo2Error.__subclasses__()}


def from_wire(error: Error, request_id: str | None = None) -> Molmo2Error:
    """The exception that a body's ``error`` stands for."""
    exception = _CLASSES[error.kind](
        error.message, field=error.field, retry_after=error.retry_after
    )
    exception.request_id = request_id
    return exception
