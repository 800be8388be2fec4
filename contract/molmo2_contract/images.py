"""Questions about one image or several, and their answers."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from molmo2_contract.base import RequestId, Timeout, Uri, WireModel
from molmo2_contract.limits import MAX_IMAGES, MAX_OPERATIONS
from molmo2_contract.operations import Describe, Embed, Pointing
from molmo2_contract.response import ModelInfo, RequestTiming
from molmo2_contract.results import DescribeResult, EmbedResult, Fraction, GeneratedText

ImageOperation = Annotated[Pointing | Describe | Embed, Field(discriminator="operation")]

IMAGE_OPERATION_NAMES = ("pointing", "describe", "embed")

PART_PREFIX = "image_"
"""Bytes sent with a request are its parts ``image_1``, ``image_2`` and so on."""


class ImagesRequest(WireModel):
    """Everything asked about a set of images, in their order."""

    images: Annotated[list[Uri], Field(max_length=MAX_IMAGES)] = Field(
        description="URIs; empty when the bytes travel as the parts image_1, image_2, …"
    )
    operations: Annotated[list[ImageOperation], Field(min_length=1, max_length=MAX_OPERATIONS)]
    timeout: Timeout = 120.0
    request_id: RequestId | None = None

    @field_validator("operations")
    @classmethod
    def _images_have_no_frames(cls, operations: list[ImageOperation]) -> list[ImageOperation]:
        if any(isinstance(operation, Embed) and operation.per_frame for operation in operations):
            raise ValueError("per_frame is for videos; ask about each image by itself")
        return operations


class ImageInfo(WireModel):
    """An image as it was looked at: upright."""

    width: int = Field(ge=1, description="Pixels.")
    height: int = Field(ge=1, description="Pixels.")


class ImagePoint(WireModel):
    """One point in one of the images; (0, 0) is the top left corner, (1, 1) the bottom right."""

    image: int = Field(ge=1, description="Which of the request's images, counted from 1.")
    id: int = Field(ge=0, description="Counts the points of an answer; it is no identity.")
    x: Fraction
    y: Fraction
    label: str


class ImagePointingResult(GeneratedText):
    operation: Literal["pointing"] = "pointing"
    points: list[ImagePoint] = []
    count: int = Field(0, ge=0, description="The count that the model states, else len(points).")


ImageResult = Annotated[
    ImagePointingResult | DescribeResult | EmbedResult, Field(discriminator="operation")
]


class ImagesResponse(WireModel):
    """One result for each operation, in the order of the request."""

    model: ModelInfo
    images: list[ImageInfo]
    results: list[ImageResult]
    timing: RequestTiming
    request_id: str
