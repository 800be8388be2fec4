"""The video of a request, and what the server says about it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from molmo2_contract.base import JSON_NUMBER, Uri, WireModel
from molmo2_contract.limits import MAX_FRAMES, MAX_SAMPLED_FPS, MAX_SECONDS


class Video(WireModel):
    """Which video, which part of it, and how densely it is sampled."""

    uri: Uri | None = Field(
        None,
        description="file:///data/a.mp4, https://… or s3://…, as far as the server's settings "
        "allow. Left out when the bytes travel with the request.",
    )
    start: Annotated[float, JSON_NUMBER] = Field(
        0.0, ge=0, le=MAX_SECONDS, description="Seconds of the whole video."
    )
    end: Annotated[float | None, JSON_NUMBER] = Field(
        None, gt=0, le=MAX_SECONDS, description="Default: its last frame."
    )
    max_frames: Annotated[int, JSON_NUMBER] = Field(MAX_FRAMES, ge=2, le=MAX_FRAMES)
    max_fps: Annotated[float, JSON_NUMBER] = Field(2.0, gt=0, le=MAX_SAMPLED_FPS)

    @model_validator(mode="after")
    def _end_follows_start(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end ({self.end} s) must be greater than start ({self.start} s)")
        return self


class Sampled(WireModel):
    """The frames that were really decoded, in order of time."""

    times: list[float] = Field(description="Seconds of the whole video, as shown to the model.")
    frames: list[int] = Field(description="1-based numbers of those frames in the whole video.")


class VideoInfo(WireModel):
    """What the container and the decoder say about the video."""

    width: int = Field(ge=1, description="Pixels.")
    height: int = Field(ge=1, description="Pixels.")
    duration: float = Field(ge=0, description="Seconds, start of first to end of last frame.")
    frame_rate: float = Field(gt=0, description="Frames a second, averaged over the duration.")
    frame_count: int = Field(ge=1)
    variable_frame_rate: bool
    sampled: Sampled
