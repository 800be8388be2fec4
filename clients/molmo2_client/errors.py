"""Everything that a call can raise: the contract's tree and two errors that only a client sees.

    Molmo2Error
    ├── InvalidRequest        the request itself is wrong: field, bound and remedy are named
    ├── Unauthorized          the token is missing, wrong or expired
    ├── VideoForbidden        the video lies outside the roots that the server may read
    ├── VideoNotFound         nothing is there
    ├── VideoUnreadable       it is there and is not a video that can be decoded
    ├── VideoTooLong          it samples to more than the model can attend to
    ├── TooLarge              more bytes than the client sends, the server takes, or either answers
    ├── Overloaded            all slots are busy; try again after ``retry_after`` seconds
    ├── DeadlineExceeded      the request's ``timeout`` passed
    ├── EngineUnavailable     the engine process is away; it is being restarted
    │   └── WorkerDied        the worker that was at the request ended; others take its place
    ├── InternalError         a defect of the server
    ├── ServerUnreachable     no connection, or it was lost before the whole answer came
    └── ProtocolError         something answered that does not speak this contract

HTTP and gRPC raise the same class for the same fault. ``Overloaded``, ``EngineUnavailable`` and
``ServerUnreachable`` are tried again before they are raised, ``retries`` times or ``retry_for``
seconds long.
"""

from molmo2_contract.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    ErrorKind,
    InternalError,
    InvalidRequest,
    Molmo2Error,
    Overloaded,
    TooLarge,
    Unauthorized,
    VideoForbidden,
    VideoNotFound,
    VideoTooLong,
    VideoUnreadable,
)

__all__ = [
    "DeadlineExceeded",
    "EngineUnavailable",
    "ErrorKind",
    "InternalError",
    "InvalidRequest",
    "Molmo2Error",
    "Overloaded",
    "ProtocolError",
    "ServerUnreachable",
    "TooLarge",
    "Unauthorized",
    "VideoForbidden",
    "VideoNotFound",
    "VideoTooLong",
    "VideoUnreadable",
    "WorkerDied",
]


class WorkerDied(EngineUnavailable):
    """The worker that was at the request ended: it was killed, it hung, or the video crashed it.

    Tried again once. A request at which two workers ended in a row is one about a video that ends
    workers, and is told as ``VideoUnreadable``.
    """


class ServerUnreachable(Molmo2Error):
    """No connection, or it was lost before the whole answer came.

    Never on the wire; its ``kind`` is the nearest one there, for records that group by kind.
    """

    kind = ErrorKind.ENGINE_UNAVAILABLE
    http_status = 503


class ProtocolError(Molmo2Error):
    """Something answered that does not speak this contract: another service, or a broken stream.

    Never on the wire; its ``kind`` is the nearest one there, for records that group by kind.
    """

    kind = ErrorKind.INTERNAL
    http_status = 502
