"""The result of each operation."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from molmo2_contract.base import WireModel
from molmo2_contract.errors import Error
from molmo2_contract.operations import Pooling

Fraction = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
FrameNumber = Annotated[int, Field(ge=1)]


class Status(StrEnum):
    """How one operation ended.

    ``empty``: the model says that there is nothing. ``partial``: cut off at the token limit, or
    something could not be read; everything else is kept. ``unparsed``: nothing could be read.
    """

    OK = "ok"
    EMPTY = "empty"
    PARTIAL = "partial"
    UNPARSED = "unparsed"
    ERROR = "error"


class FinishReason(StrEnum):
    """Why generation stopped: end of sequence, or the token limit."""

    STOP = "stop"
    LENGTH = "length"


class Usage(WireModel):
    """Tokens of one operation. ``prompt_tokens`` counts the video's; ``cached_tokens`` of those
    were prefilled for another operation or request."""

    prompt_tokens: int = Field(ge=0)
    cached_tokens: int = Field(ge=0)
    generated_tokens: int = Field(ge=0)


class OperationTiming(WireModel):
    """Seconds in the engine: waiting, until the first token, and generating the others."""

    queued: Seconds
    prefill: Seconds
    decode: Seconds


class _Result(WireModel):
    """What every result has. ``reason`` says why a status is ``partial`` or ``unparsed``."""

    status: Status
    reason: str | None = None
    error: Error | None = None
    usage: Usage | None = None
    timing: OperationTiming | None = None


class GeneratedText(_Result):
    """What every operation that writes text shares."""

    text: str = Field("", description="The model's answer, whole.")
    finish_reason: FinishReason | None = None


class Position(WireModel):
    """A place in one sampled frame; (0, 0) is the top left corner, (1, 1) the bottom right."""

    time: Seconds
    frame: FrameNumber
    x: Fraction
    y: Fraction


class Point(Position):
    """One point. ``id`` counts the points of an answer; it is no identity."""

    id: int = Field(ge=0)
    label: str


class Track(WireModel):
    """One object followed through the video; ``id`` is its identity in this answer."""

    id: int = Field(ge=0)
    label: str
    points: list[Position]


class Event(WireModel):
    """Something that happens from ``start`` to ``end``, both included."""

    start: Seconds
    end: Seconds
    start_frame: FrameNumber
    end_frame: FrameNumber
    description: str


class SceneInfo(WireModel):
    setting: str | None = None
    time_of_day: str | None = None
    location_type: str | None = None


class Activities(WireModel):
    primary_activity: str | None = None
    secondary_activities: list[str] = []


class Analysis(WireModel):
    """A whole-video analysis. ``description`` of an object is its name, of a text its wording."""

    summary: str | None = None
    objects: list[Event] = []
    events: list[Event] = []
    text_content: list[Event] = []
    scene_info: SceneInfo = SceneInfo()
    activities: Activities = Activities()


class PointingResult(GeneratedText):
    operation: Literal["pointing"] = "pointing"
    points: list[Point] = []
    count: int = Field(0, ge=0, description="The count that the model states, else len(points).")


class TrackingResult(GeneratedText):
    operation: Literal["tracking"] = "tracking"
    tracks: list[Track] = []


class DescribeResult(GeneratedText):
    operation: Literal["describe"] = "describe"
    data: JsonValue = Field(
        None, description="The answer as JSON, if a json_schema was given and it is whole."
    )


class TemporalLocalizationResult(GeneratedText):
    operation: Literal["temporal_localization"] = "temporal_localization"
    events: list[Event] = []


class ComprehensiveResult(GeneratedText):
    operation: Literal["comprehensive"] = "comprehensive"
    analysis: Analysis | None = None


class FrameEmbedding(WireModel):
    """One L2-normalised vector for one sampled frame, pooled from its own visual tokens.

    It knows the other frames: visual tokens see each other across the whole video.
    """

    time: Seconds
    frame: FrameNumber
    embedding: list[float]


class EmbedResult(_Result):
    operation: Literal["embed"] = "embed"
    pooling: Pooling
    embedding: list[float] = []
    frames: list[FrameEmbedding] = Field([], description="With per_frame, in order of time.")


GeneratedResult = (
    PointingResult
    | TrackingResult
    | DescribeResult
    | TemporalLocalizationResult
    | ComprehensiveResult
)

Result = Annotated[GeneratedResult | EmbedResult, Field(discriminator="operation")]
