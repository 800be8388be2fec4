"""Valid answers computed from the request alone, for tests of everything but the model."""

import hashlib
import json
from typing import Any

from molmo2_contract.errors import Error, ErrorKind
from molmo2_contract.operations import Describe, Embed, Pooling
from molmo2_contract.request import Request
from molmo2_contract.response import ModelInfo, RequestTiming, ServerInfo, ServerLimits
from molmo2_contract.results import (
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    Event,
    FinishReason,
    FrameEmbedding,
    Point,
    PointingResult,
    Position,
    Result,
    Status,
    TemporalLocalizationResult,
    Track,
    TrackingResult,
)
from molmo2_contract.video import Sampled, VideoInfo

MODEL = ModelInfo(name="echo", version="1.0", checkpoint="none")
TIMING = RequestTiming(plan=0, decode=0, engine=0, total=0)
SERVER = ServerInfo(
    model=MODEL,
    operations=["pointing"],
    limits=ServerLimits(
        max_request_bytes=1,
        max_video_bytes=2,
        max_timeout=3,
        max_video_tokens=4,
        max_context_tokens=5,
        max_concurrent_sequences=6,
    ),
    embedding_dimension=2,
)
_PLACE = Position(time=0.5, frame=16, x=0.25, y=0.5)
_EVENT = Event(start=0, end=1, start_frame=1, end_frame=31, description="echo")
_VECTORS = {Pooling.MEAN: [1.0, 0.0], Pooling.MAX: [0.0, 1.0], Pooling.CLS: [0.6, 0.8]}


def video_info(request: Request) -> VideoInfo:
    """A video that lasts to the request's ``end`` and is sampled at its ``start``."""
    video = request.video
    return VideoInfo(
        width=640,
        height=360,
        duration=video.end or 1.0,
        frame_rate=30,
        frame_count=video.max_frames,
        variable_frame_rate=False,
        sampled=Sampled(times=[video.start], frames=[1]),
    )


def result(operation: Any, request: Request, video: bytes | None) -> Result:
    """Says back what was asked. ``describe`` takes orders:

    what video     says what arrived
    (json_schema)  says the schema, as text and as data
    say N          says N characters
    result KIND    is an error of that kind, which is this operation's alone
    """
    done: dict[str, Any] = {"status": Status.OK}
    if not isinstance(operation, Embed):
        done["finish_reason"] = FinishReason.STOP
    match operation.operation:
        case "pointing":
            point = Point(**_PLACE.model_dump(), id=1, label=operation.prompt)
            return PointingResult(points=[point], count=1, **done)
        case "tracking":
            track = Track(id=1, label=operation.prompt, points=[_PLACE])
            return TrackingResult(tracks=[track], **done)
        case "describe":
            return _describe(operation, request, video)
        case "temporal_localization":
            return TemporalLocalizationResult(events=[_EVENT], **done)
        case "comprehensive":
            return ComprehensiveResult(analysis=Analysis(summary="echo"), **done)
        case _:
            pooling, vector = operation.pooling, _VECTORS[operation.pooling]
            frames = [FrameEmbedding(time=request.video.start, frame=1, embedding=vector)]
            done["frames"] = frames if operation.per_frame else []
            return EmbedResult(pooling=pooling, embedding=vector, **done)


def _describe(operation: Describe, request: Request, video: bytes | None) -> Result:
    if operation.json_schema is not None:
        text = json.dumps(operation.json_schema)
        return DescribeResult(status=Status.OK, text=text, data=operation.json_schema)
    match operation.prompt.split():
        case ["result", kind]:
            error = Error(kind=ErrorKind(kind), message=f"{kind}, as asked")
            return DescribeResult(status=Status.ERROR, error=error)
        case ["what", "video"] if video is not None:
            text = f"{len(video)} bytes, sha256 {hashlib.sha256(video).hexdigest()}"
        case ["what", "video"]:
            text = f"at {request.video.uri}"
        case ["say", count]:
            text = "x" * int(count)
        case _:
            text = operation.prompt
    return DescribeResult(status=Status.OK, text=text, finish_reason=FinishReason.STOP)
