"""The six operations, as a request names them."""

from enum import StrEnum
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from molmo2_contract.base import JSON_NUMBER, WireModel
from molmo2_contract.json_schema import JsonSchema
from molmo2_contract.limits import MAX_NEW_TOKENS, MAX_PROMPT_CHARACTERS, MAX_TEMPERATURE

Prompt = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_PROMPT_CHARACTERS),
]


class Pooling(StrEnum):
    """How the last hidden states of the visual tokens become one vector."""

    MEAN = "mean"
    MAX = "max"
    CLS = "cls"


class _Generated(WireModel):
    """What every operation that writes text shares."""

    max_new_tokens: Annotated[int, JSON_NUMBER] = Field(2048, ge=1, le=MAX_NEW_TOKENS)
    temperature: Annotated[float, JSON_NUMBER] = Field(
        0.0, ge=0, le=MAX_TEMPERATURE, description="0 is greedy."
    )
    top_p: Annotated[float, JSON_NUMBER] = Field(1.0, gt=0, le=1)
    seed: Annotated[int | None, JSON_NUMBER] = Field(
        None, ge=0, lt=2**63, description="Makes a sampled answer repeatable."
    )


class _Formed(_Generated):
    """What every operation shares whose answers have a form of their own."""

    constrained: bool = Field(
        True,
        strict=True,
        description="Hold the answer to that form while it is written; false lets the model write "
        "what it will.",
    )


class Pointing(_Formed):
    """Points at every occurrence of what the prompt names."""

    operation: Literal["pointing"] = "pointing"
    prompt: Prompt = Field(description='What to point to, e.g. "person\'s nose".')


class Tracking(_Formed):
    """Follows every occurrence of what the prompt names through the sampled frames."""

    operation: Literal["tracking"] = "tracking"
    prompt: Prompt = Field(description='What to track, e.g. "person\'s hand".')
    max_new_tokens: Annotated[int, JSON_NUMBER] = Field(4096, ge=1, le=MAX_NEW_TOKENS)


class Describe(_Generated):
    """Answers the prompt in free text, or as JSON that follows a schema."""

    operation: Literal["describe"] = "describe"
    prompt: Prompt = Field(description="The question, given to the model as it is.")
    json_schema: JsonSchema | None = Field(
        None,
        description="JSON Schema (2020-12) that the answer follows; the result has it as data. "
        "The model is not told of it: say in the prompt what is wanted.",
    )


class TemporalLocalization(_Formed):
    """Finds the events of the video with their start and end. Its prompt is fixed."""

    operation: Literal["temporal_localization"] = "temporal_localization"


class Comprehensive(_Formed):
    """Summary, objects, events, text, scene and activities of the video. Its prompt is fixed."""

    operation: Literal["comprehensive"] = "comprehensive"


class Embed(WireModel):
    """One L2-normalised vector for the video; costs no generation."""

    operation: Literal["embed"] = "embed"
    pooling: Pooling = Pooling.MEAN
    per_frame: bool = Field(
        False, strict=True, description="A vector for each sampled frame too; videos only."
    )


GeneratedOperation = Pointing | Tracking | Describe | TemporalLocalization | Comprehensive

Operation = Annotated[GeneratedOperation | Embed, Field(discriminator="operation")]

OperationName = Literal[
    "pointing", "tracking", "describe", "temporal_localization", "comprehensive", "embed"
]

OPERATION_NAMES: tuple[OperationName, ...] = get_args(OperationName)

PROMPTED: tuple[OperationName, ...] = ("pointing", "tracking", "describe")
"""Names of the operations that take a prompt."""
