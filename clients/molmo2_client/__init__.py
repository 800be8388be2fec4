"""Ask a Molmo2 server about videos, over HTTP or gRPC, synchronously or not.

    from molmo2_client import Molmo2

    with Molmo2() as molmo2:
        print(molmo2.describe("street.mp4", "What happens in this video?").text)

No torch and no FiftyOne is loaded; ``molmo2_client.fiftyone`` fills FiftyOne datasets.
"""

from molmo2_client.async_client import AsyncMolmo2
from molmo2_client.client import Molmo2
from molmo2_client.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    InternalError,
    InvalidRequest,
    Molmo2Error,
    Overloaded,
    ProtocolError,
    ServerUnreachable,
    TooLarge,
    Unauthorized,
    VideoForbidden,
    VideoNotFound,
    VideoTooLong,
    VideoUnreadable,
    WorkerDied,
)
from molmo2_client.settings import Settings
from molmo2_contract.events import Done, Event, Failed, OperationDone, Progress
from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    Embed,
    Pointing,
    Pooling,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.response import Response, ServerInfo
from molmo2_contract.video import Video

__all__ = [
    "AsyncMolmo2",
    "Comprehensive",
    "DeadlineExceeded",
    "Describe",
    "Done",
    "Embed",
    "EngineUnavailable",
    "Event",
    "Failed",
    "InternalError",
    "InvalidRequest",
    "Molmo2",
    "Molmo2Error",
    "OperationDone",
    "Overloaded",
    "Pointing",
    "Pooling",
    "Progress",
    "ProtocolError",
    "Response",
    "ServerInfo",
    "ServerUnreachable",
    "Settings",
    "TemporalLocalization",
    "TooLarge",
    "Tracking",
    "Unauthorized",
    "Video",
    "VideoForbidden",
    "VideoNotFound",
    "VideoTooLong",
    "VideoUnreadable",
    "WorkerDied",
]
