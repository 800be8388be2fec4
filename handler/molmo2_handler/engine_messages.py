"""Between the contract and the engine's wire."""

from typing import assert_never

from molmo2_contract.errors import Error, ErrorKind
from molmo2_contract.images import ImageOperation, ImagePointingResult, ImageResult
from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    Embed,
    GeneratedOperation,
    Operation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.prompts import render
from molmo2_contract.results import (
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    FrameEmbedding,
    OperationTiming,
    PointingResult,
    Result,
    Status,
    TemporalLocalizationResult,
    TrackingResult,
    Usage,
)
from molmo2_contract.video import VideoInfo
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_handler.answers import (
    Grammar,
    grammar_of,
    grammar_of_images,
    read_answer,
    read_describe,
    read_image_pointing,
)


def to_engine(operation: Operation) -> wire.Operation:
    """An operation about a video as the engine is asked for it."""
    if isinstance(operation, Embed):
        return _embedding(operation)
    return _generation(operation, grammar_of(operation))


def to_engine_about_images(operation: ImageOperation, images: int) -> wire.Operation:
    """The same for an operation about ``images`` images."""
    if isinstance(operation, Embed):
        return _embedding(operation)
    return _generation(operation, grammar_of_images(operation, images))


def _embedding(operation: Embed) -> wire.Operation:
    pooling = wire.Pooling.Value(operation.pooling.name)
    embedding = wire.Embedding(pooling=pooling, per_frame=operation.per_frame)
    return wire.Operation(embedding=embedding)


def _generation(operation: GeneratedOperation, grammar: Grammar | None) -> wire.Operation:
    generation = wire.Generation(
        prompt=render(operation),
        max_new_tokens=operation.max_new_tokens,
        temperature=operation.temperature,
        top_p=operation.top_p,
        seed=operation.seed,
        **({} if grammar is None else {grammar.language: grammar.text}),
    )
    return wire.Operation(generation=generation)


def to_result(operation: Operation, event: wire.AnswerEvent, video: VideoInfo) -> Result:
    """The result that an operation's last event stands for."""
    if event.WhichOneof("event") == "failed":
        return failed_result(operation, _error(event.failed))
    if isinstance(operation, Embed):
        return _embedded(operation, event.embedded, video)
    return _read(operation, event.finished, video)


def _read(operation: GeneratedOperation, done: wire.Finished, video: VideoInfo) -> Result:
    read = read_answer(operation, done.text, done.truncated, video)
    return read.model_copy(update=_accounts(done))


def to_image_result(operation: ImageOperation, event: wire.AnswerEvent, images: int) -> ImageResult:
    """The same for an operation about ``images`` images."""
    if event.WhichOneof("event") == "failed":
        return failed_image_result(operation, _error(event.failed))
    done = event.finished
    match operation:
        case Embed():
            return _embedded(operation, event.embedded)
        case Describe():
            read = read_describe(operation, done.text, done.truncated)
        case Pointing():
            read = read_image_pointing(operation, done.text, done.truncated, images)
        case _:
            assert_never(operation)
    return read.model_copy(update=_accounts(done))


def _embedded(operation: Embed, done: wire.Embedded, video: VideoInfo | None = None) -> EmbedResult:
    read = EmbedResult(
        status=Status.OK,
        pooling=operation.pooling,
        embedding=done.vector,
        frames=_frame_embeddings(done, video) if video and operation.per_frame else [],
    )
    return read.model_copy(update=_accounts(done))


def _frame_embeddings(done: wire.Embedded, video: VideoInfo) -> list[FrameEmbedding]:
    size = len(done.vector)
    sampled = zip(video.sampled.times, video.sampled.frames, strict=True)
    return [
        FrameEmbedding(
            time=time,
            frame=frame,
            embedding=done.frame_vectors[place * size : (place + 1) * size],
        )
        for place, (time, frame) in enumerate(sampled)
    ]


def _error(failed: wire.Failed) -> Error:
    field = failed.field if failed.HasField("field") else None
    return Error(kind=ErrorKind(failed.kind), message=failed.message, field=field)


def failed_result(operation: Operation, error: Error) -> Result:
    """The result of an operation that failed alone."""
    failed = {"status": Status.ERROR, "error": error}
    match operation:
        case Pointing():
            return PointingResult(**failed)
        case Tracking():
            return TrackingResult(**failed)
        case Describe():
            return DescribeResult(**failed)
        case TemporalLocalization():
            return TemporalLocalizationResult(**failed)
        case Comprehensive():
            return ComprehensiveResult(**failed)
        case Embed():
            return EmbedResult(**failed, pooling=operation.pooling)
        case _:
            assert_never(operation)


def failed_image_result(operation: ImageOperation, error: Error) -> ImageResult:
    """The result of an operation about images that failed alone."""
    if isinstance(operation, Pointing):
        return ImagePointingResult(status=Status.ERROR, error=error)
    return failed_result(operation, error)


def _accounts(done: wire.Finished | wire.Embedded) -> dict[str, Usage | OperationTiming]:
    usage, timing = done.usage, done.timing
    return {
        "usage": Usage(
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            generated_tokens=usage.generated_tokens,
        ),
        "timing": OperationTiming(
            queued=max(timing.queued, 0), prefill=timing.prefill, decode=timing.decode
        ),
    }
