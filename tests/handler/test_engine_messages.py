"""Between the contract and the engine's wire."""

from typing import get_args

import pytest

from molmo2_contract.errors import Error, ErrorKind
from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    Embed,
    GeneratedOperation,
    Pointing,
    Pooling,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.prompts import render
from molmo2_contract.results import FinishReason, Status
from molmo2_contract.video import Sampled, VideoInfo
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_handler.answers import grammar_of, grammar_of_images
from molmo2_handler.engine_messages import (
    failed_result,
    to_engine,
    to_engine_about_images,
    to_result,
)

GENERATED = [
    Pointing(prompt="cat"),
    Tracking(prompt="cat"),
    Describe(prompt="What happens?"),
    TemporalLocalization(),
    Comprehensive(),
]
OPERATIONS = [*GENERATED, Embed(pooling=Pooling.MAX)]
VIDEO = VideoInfo(
    width=640,
    height=360,
    duration=2,
    frame_rate=30,
    frame_count=60,
    variable_frame_rate=False,
    sampled=Sampled(times=[0.0, 0.5], frames=[1, 16]),
)
USAGE = wire.Usage(prompt_tokens=90, cached_tokens=80, generated_tokens=7)
TIMING = wire.Timing(queued=0.1, prefill=0.2, decode=0.3)


def finished(text, truncated=False, timing=TIMING):
    done = wire.Finished(text=text, truncated=truncated, usage=USAGE, timing=timing)
    return wire.AnswerEvent(finished=done)


def test_all_operations_are_tried_here():
    assert {type(operation) for operation in GENERATED} == set(get_args(GeneratedOperation))


@pytest.mark.parametrize("operation", GENERATED, ids=lambda operation: operation.operation)
def test_an_operation_that_writes_text_is_asked_as_generation(operation):
    asked = operation.model_copy(
        update={"max_new_tokens": 9, "temperature": 0.5, "top_p": 0.25, "seed": 2**63 - 1}
    )
    generation = to_engine(asked).generation
    held_to = generation.WhichOneof("grammar")
    if held_to:
        generation.ClearField(held_to)
    assert generation == wire.Generation(
        prompt=render(operation), max_new_tokens=9, temperature=0.5, top_p=0.25, seed=2**63 - 1
    )


@pytest.mark.parametrize(
    ("operation", "language"),
    [
        (Pointing(prompt="cat"), "lark"),
        (Tracking(prompt="cat"), "lark"),
        (TemporalLocalization(), "json_schema"),
        (Comprehensive(), "json_schema"),
        (Describe(prompt="?", json_schema={"type": "integer"}), "json_schema"),
        (Describe(prompt="?"), None),
        (Pointing(prompt="cat", constrained=False), None),
        (Comprehensive(constrained=False), None),
    ],
)
def test_an_answer_with_a_form_is_asked_for_with_its_grammar(operation, language):
    generation = to_engine(operation).generation
    assert generation.WhichOneof("grammar") == language
    if language:
        grammar = grammar_of(operation)
        assert (grammar.language, grammar.text) == (language, getattr(generation, language))


def test_points_in_images_have_a_grammar_for_so_many_images():
    asked = to_engine_about_images(Pointing(prompt="cat"), 4).generation
    assert asked.lark == grammar_of_images(Pointing(prompt="cat"), 4).text
    assert asked.prompt == render(Pointing(prompt="cat"))
    embedding = Embed(pooling=Pooling.MAX)
    assert to_engine_about_images(embedding, 4) == to_engine(embedding)


def test_no_seed_is_not_the_seed_zero():
    assert not to_engine(Pointing(prompt="cat")).generation.HasField("seed")
    assert to_engine(Pointing(prompt="cat", seed=0)).generation.HasField("seed")


@pytest.mark.parametrize("pooling", Pooling)
def test_every_pooling_has_its_number_on_the_wire(pooling):
    asked = to_engine(Embed(pooling=pooling)).embedding
    assert wire.Pooling.Name(asked.pooling).lower() == pooling


def test_text_becomes_a_result_with_its_accounts():
    text = '<points coords="0.5 1 250 417">cat</points>'
    result = to_result(Pointing(prompt="cat"), finished(text), VIDEO)
    assert result.status is Status.OK
    assert [(point.time, point.frame, point.x, point.y) for point in result.points] == [
        (0.5, 16, 0.25, 0.417)
    ]
    assert result.finish_reason is FinishReason.STOP
    assert result.usage.model_dump() == {
        "prompt_tokens": 90,
        "cached_tokens": 80,
        "generated_tokens": 7,
    }
    assert result.timing.model_dump() == {"queued": 0.1, "prefill": 0.2, "decode": 0.3}


def test_a_token_limit_is_the_finish_reason():
    result = to_result(Describe(prompt="?"), finished("A cat si", truncated=True), VIDEO)
    assert result.status is Status.PARTIAL
    assert result.finish_reason is FinishReason.LENGTH
    assert result.text == "A cat si"


def test_a_wait_that_rounding_made_negative_is_none():
    timing = wire.Timing(queued=-1e-9, prefill=0.2, decode=0.3)
    result = to_result(Describe(prompt="?"), finished("A cat.", timing=timing), VIDEO)
    assert result.timing.queued == 0


def test_a_vector_becomes_an_embedding():
    done = wire.Embedded(vector=[0.5, -0.25], usage=USAGE, timing=TIMING)
    result = to_result(Embed(pooling=Pooling.CLS), wire.AnswerEvent(embedded=done), VIDEO)
    assert (result.status, result.pooling, result.embedding) == (
        Status.OK,
        Pooling.CLS,
        [0.5, -0.25],
    )
    assert result.usage.cached_tokens == 80


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation)
def test_an_operation_that_failed_alone_has_a_result_of_its_own_type(operation):
    failed = wire.AnswerEvent(failed=wire.Failed(kind="overloaded", message="no room"))
    result = to_result(operation, failed, VIDEO)
    error = Error(kind=ErrorKind.OVERLOADED, message="no room")
    assert (result.operation, result.status, result.error) == (
        operation.operation,
        Status.ERROR,
        error,
    )
    assert result == failed_result(operation, error)


def test_a_failed_embedding_says_which_pooling_was_asked():
    error = Error(kind=ErrorKind.INTERNAL, message="why")
    assert failed_result(Embed(pooling=Pooling.CLS), error).pooling is Pooling.CLS


def test_frames_have_their_own_vectors_with_their_times_and_numbers():
    times, numbers = VIDEO.sampled.times, VIDEO.sampled.frames
    vectors = [[0.6, 0.8 - place] for place in range(len(times))]
    done = wire.Embedded(
        vector=[1.0, 0.0], frame_vectors=[x for vector in vectors for x in vector], usage=USAGE
    )
    asked = Embed(per_frame=True)
    assert to_engine(asked).embedding.per_frame
    result = to_result(asked, wire.AnswerEvent(embedded=done), VIDEO)
    assert [(frame.time, frame.frame) for frame in result.frames] == list(
        zip(times, numbers, strict=True)
    )
    for frame, vector in zip(result.frames, vectors, strict=True):
        assert frame.embedding == pytest.approx(vector)
    assert to_result(Embed(), wire.AnswerEvent(embedded=done), VIDEO).frames == []
