"""Answers to whole requests."""

from pydantic import Field

from molmo2_contract.base import WireModel
from molmo2_contract.errors import Error
from molmo2_contract.results import Result, Seconds
from molmo2_contract.video import VideoInfo


class ModelInfo(WireModel):
    """Which model answered."""

    name: str
    version: str
    checkpoint: str
    revision: str | None = None


class RequestTiming(WireModel):
    """Seconds of a whole request: open and plan the video, decode its frames, ask the engine."""

    plan: Seconds
    decode: Seconds
    engine: Seconds
    total: Seconds


class Response(WireModel):
    """One result for each operation, in the order of the request."""

    model: ModelInfo
    video: VideoInfo
    results: list[Result]
    timing: RequestTiming
    request_id: str


class ErrorResponse(WireModel):
    """The body of a request that failed as a whole."""

    error: Error
    request_id: str | None = None


class ServerLimits(WireModel):
    """The bounds that are settings of this server."""

    max_request_bytes: int = Field(description="Bytes of the request's JSON.")
    max_video_bytes: int = Field(description="Bytes of one video.")
    max_timeout: float = Field(description="Seconds that a request's timeout may be.")
    max_video_tokens: int = Field(description="Tokens of the sampled frames of one video.")
    max_context_tokens: int = Field(description="Tokens of video, prompt and answer together.")
    max_concurrent_sequences: int = Field(description="Operations that generate at once.")


class ServerInfo(WireModel):
    """The answer to an ``InfoRequest``; given only when the engine can generate."""

    model: ModelInfo
    operations: list[str]
    limits: ServerLimits
    embedding_dimension: int
