"""What a zoo model asks, as far as it is not in the call that applies it."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from molmo2_client.fiftyone.label import CONCURRENCY
from molmo2_client.fiftyone.media_type import MediaType, check_operations, check_sampling
from molmo2_client.fiftyone.questions import Question, parse_questions
from molmo2_client.sampling import Sampling
from molmo2_contract.limits import (
    MAX_FRAMES,
    MAX_NEW_TOKENS,
    MAX_SAMPLED_FPS,
    MAX_TEMPERATURE,
    MAX_TIMEOUT,
)
from molmo2_contract.operations import OPERATION_NAMES, PROMPTED, Embed, Pooling, Prompt

OPERATIONS = tuple(name for name in OPERATION_NAMES if name != "embed")
"""What ``apply_model`` can ask; ``compute_embeddings`` asks the other."""


class Asking(BaseModel):
    """Settings that may change between two calls; each is checked when it is set.

    ``None`` stands for the contract's default, and for an ``operation`` or ``prompt`` that is not
    chosen yet.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, validate_default=True)

    operation: str | None = Field(None, pattern=f"^({'|'.join(OPERATIONS)})$")
    prompt: Prompt | None = None
    pooling_strategy: Pooling = Pooling.MEAN
    max_new_tokens: int | None = Field(None, ge=1, le=MAX_NEW_TOKENS)
    temperature: float | None = Field(None, ge=0, le=MAX_TEMPERATURE)
    top_p: float | None = Field(None, gt=0, le=1)
    seed: int | None = Field(None, ge=0, lt=2**63)
    max_frames: int | None = Field(None, ge=2, le=MAX_FRAMES)
    max_fps: float | None = Field(None, gt=0, le=MAX_SAMPLED_FPS)
    concurrency: int = Field(CONCURRENCY, ge=1)
    timeout: float | None = Field(None, gt=0, le=MAX_TIMEOUT)

    def question(
        self, prompt_field: str | None = None, media_type: MediaType = "video"
    ) -> Question:
        """What is asked about every sample, with its prompt from ``prompt_field`` if given.

        Raises:
            ValueError: no operation is chosen, or it has neither a prompt nor a field of prompts.
            InvalidRequest: a setting is out of the operation's bounds, or the operation is not for
                samples of this type.
        """
        if self.operation is None:
            raise ValueError(
                f"model.operation is not set; choose one of {', '.join(OPERATIONS)}, e.g. "
                "model.operation = 'describe'"
            )
        check_operations([self.operation], media_type)
        if self.operation in PROMPTED and self.prompt is None and prompt_field is None:
            raise ValueError(
                f"model.prompt is not set, and {self.operation} needs one; set it, or pass "
                "prompt_field='…' with the field that holds each sample's prompt"
            )
        chosen = {"operation", "max_new_tokens", "temperature", "top_p", "seed"}
        if self.operation in PROMPTED:
            chosen.add("prompt")
        document = self.model_dump(include=chosen, exclude_none=True)
        (question,) = parse_questions([document], prompt_field, media_type)
        return question

    def sampling(self, media_type: MediaType) -> Sampling:
        """How densely videos are sampled.

        Raises:
            InvalidRequest: it is said of images.
        """
        sampling = Sampling(self.max_frames, self.max_fps)
        check_sampling(sampling, media_type)
        return sampling

    def embedding(self) -> Embed:
        """The question for one vector a sample."""
        return Embed(pooling=self.pooling_strategy)


def explained(error: ValidationError) -> str:
    """The first fault of a setting, with its bound and what is accepted."""
    fault = error.errors(include_url=False)[0]
    name = ".".join(map(str, fault["loc"]))
    if name == "operation":
        return f"operation={fault['input']!r}: must be one of {', '.join(OPERATIONS)}"
    return f"{name}={fault['input']!r}: {fault['msg']}"
