"""The events of a streamed answer, in the order ``progress* result`` per operation, then ``done``.

Over HTTP each event is one server-sent event (``data: <JSON>`` and an empty line); over gRPC each
message of ``StreamPredictions`` holds the JSON of one event.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from molmo2_contract.base import WireModel
from molmo2_contract.errors import Error
from molmo2_contract.response import ModelInfo, RequestTiming
from molmo2_contract.results import Position, Result
from molmo2_contract.video import VideoInfo


class ProgressPoint(Position):
    """A point or a track's position of a time step that the model has finished."""

    id: int = Field(ge=0)


class Progress(WireModel):
    """More of one operation's answer. ``points`` are those that are new since the last event."""

    event: Literal["progress"] = "progress"
    index: int = Field(ge=0, description="Which of the request's operations.")
    generated_tokens: int = Field(ge=0)
    points: list[ProgressPoint] = []


class OperationDone(WireModel):
    """One operation's result, as soon as it is finished."""

    event: Literal["result"] = "result"
    index: int = Field(ge=0)
    result: Result


class Done(WireModel):
    """The end of a stream: what a plain response holds beside its results."""

    event: Literal["done"] = "done"
    model: ModelInfo
    video: VideoInfo
    timing: RequestTiming
    request_id: str


class Failed(WireModel):
    """The end of a stream whose request failed as a whole."""

    event: Literal["error"] = "error"
    error: Error
    request_id: str | None = None


Event = Annotated[Progress | OperationDone | Done | Failed, Field(discriminator="event")]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
