"""What an answer is held to: all that it admits is read, and it admits what the model writes."""

import json
import random
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from transformers import AutoTokenizer

from molmo2_contract.images import ImagePointingResult
from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    GeneratedOperation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.results import Status
from molmo2_contract.video import VideoInfo
from molmo2_engine.generation import grammar as engine
from molmo2_handler.answers import (
    Grammar,
    grammar_of,
    grammar_of_images,
    read_answer,
    read_image_pointing,
)

POINTING, TRACKING = Pointing(prompt="asked for"), Tracking(prompt="asked for")
LOCALIZATION, COMPREHENSIVE = TemporalLocalization(), Comprehensive()
FORMED = [POINTING, TRACKING, LOCALIZATION, COMPREHENSIVE]
IMAGES = 3

CHECKPOINT = Path(__file__).parents[3] / "demo" / "checkpoint"
MODEL_ROWS = 619
READ = (Status.OK, Status.EMPTY, Status.PARTIAL)
SEEDS = st.integers(0, 2**32)


@cache
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(CHECKPOINT)


@cache
def compiler() -> engine.GrammarCompiler:
    vocabulary = engine.read_vocabulary(tokenizer(), MODEL_ROWS, [tokenizer().eos_token_id])
    return engine.GrammarCompiler(vocabulary, max_grammars=8, max_seconds=30)


@cache
def closing() -> np.ndarray:
    """Bool [rows]: the tokens with a character that ends something."""
    texts = [tokenizer().decode([token]) for token in range(MODEL_ROWS)]
    return np.array([any(c in text for c in '"<>]};.') for text in texts])


def constraint(grammar: Grammar | None) -> engine.Constraint:
    assert grammar is not None
    return compiler().constraint(engine.Grammar(grammar.language, grammar.text))


def walk(grammar: Grammar | None, seed: int, most_tokens: int = 240) -> tuple[str, bool]:
    """A text of random tokens that the grammar allows, and whether the token limit ended it."""
    chance = random.Random(seed)
    held = constraint(grammar)
    tokens: list[int] = []
    while not held.complete and len(tokens) < most_tokens:
        bits = np.frombuffer(held.matcher.compute_bitmask(), np.uint8)
        allowed = np.unpackbits(bits, bitorder="little")[:MODEL_ROWS].astype(bool)
        if chance.random() < 0.25 and (allowed & closing()).any():
            allowed &= closing()
        token = chance.choice(np.flatnonzero(allowed).tolist())
        if token == tokenizer().eos_token_id:
            break
        tokens += [token, *held.take(token)]
    truncated = len(tokens) >= most_tokens and not held.complete
    return tokenizer().decode(tokens[:most_tokens]), truncated


@given(st.sampled_from([POINTING, TRACKING]), SEEDS)
def test_whatever_points_and_tracks_the_grammar_admits_are_read(
    video: VideoInfo, operation: GeneratedOperation, seed: int
):
    text, truncated = walk(grammar_of(operation), seed)
    result = read_answer(operation, text, truncated, video)
    assert result.status in READ, (text, result.reason)


@given(SEEDS)
def test_whatever_points_in_images_the_grammar_admits_are_read(seed: int):
    text, truncated = walk(grammar_of_images(POINTING, IMAGES), seed)
    result = read_image_pointing(POINTING, text, truncated, IMAGES)
    assert isinstance(result, ImagePointingResult)
    assert result.status in (Status.PARTIAL if truncated else Status.OK, Status.EMPTY), text


@given(st.sampled_from([LOCALIZATION, COMPREHENSIVE]), SEEDS)
def test_whatever_json_the_grammar_admits_is_json_and_valid(
    video: VideoInfo, operation: GeneratedOperation, seed: int
):
    grammar = grammar_of(operation)
    text, truncated = walk(grammar, seed, most_tokens=1200)
    result = read_answer(operation, text, truncated, video)
    if truncated:
        assert result.status is Status.PARTIAL
        return
    Draft202012Validator(json.loads(grammar.text)).validate(json.loads(text))
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert not re.search(r"(?<![,:]) |[,:](?! )|[\t\n\r]", outside), "no space of its own"
    unsound = {"said to end before the start", "without a description"}
    assert result.status in READ or any(why in result.reason for why in unsound), result.reason


OFFICIAL = [
    (POINTING, '<points coords="0.5 1 900 400 2 911 800;3.0 3 050 500">penguin</points>', True),
    (
        POINTING,
        'Counting the <points coords="0.5 1 900 400 2 911 800;3.0 3 050 500">penguin</points>'
        " shows a total of 3.",
        True,
    ),
    (POINTING, 'There are 1 <points coords="0.5 1 911 800">penguin</points>.', True),
    (POINTING, "There are none.", True),
    (POINTING, '<points coords="1 1 250 1000">dog</points>', True),
    (POINTING, '<points coords="1 1 100 200;3 2 300 400 3 500 600">cat</points>', True),
    (
        TRACKING,
        '<tracks coords="0.0 1 010 020 2 259 340;0.5 2 138 427;12.0 1 1000 1000 3 000 000">'
        "red car</tracks>",
        True,
    ),
    (POINTING, '<points alt="a brown dog" coords="1 1 100 200">dog</points>', True),
    (POINTING, '<points coords="0.1 1 911 800\t0.2 2 900 400">aasdf</points>', False),
    (
        TRACKING,
        '<tracks label="debug" coords="2.0 1 300 300\t3.0 1 300 300 2 400 400"/>',
        False,
    ),
    (
        TRACKING,
        '<tracks coords="0.0 1 259 340\t1.0 1 138 427\t2.0 1 248 335">debug</tracks>',
        False,
    ),
    (
        POINTING,
        '<points coords="1.0 1 100 200">cat</points> and <points coords="1.0 1 300 400">dog'
        "</points>",
        False,
    ),
    (POINTING, '<points coords="0.5 100 111 222 101 333 444">x</points>', True),
    (TRACKING, '<tracks coords="0 1 100 200;1 1 110 210">x</tracks>', True),
    (TRACKING, '<tracks coords="0.5 1 111 222 1 333 444">x</tracks>', True),
    (POINTING, '<points x1="10.0" y1="20.0" x2="99.5" y2="0" alt="a">a</points>', False),
    (TRACKING, '<tracks coords="0.0 1 259 340;0.5 1 138 427;1.0 1 24', False),
    (POINTING, '<points coords="0.5 1 100 200; 1.0 2 300 400">x</points>', False),
    (POINTING, '<points coords="0.5 1 5 20 2 6 7">x</points>', False),
    (POINTING, "12", True),
    (TRACKING, "There are none.", True),
    (TRACKING, "No tracks available.", True),
]
"""Answers of the official formatter and of its parser's tests, and whether they are admitted."""


@pytest.mark.parametrize(("operation", "text", "admitted"), OFFICIAL)
def test_the_forms_of_the_released_models_are_admitted(
    operation: GeneratedOperation, text: str, admitted: bool
):
    assert admits(grammar_of(operation), text) is admitted


def test_a_cut_off_answer_is_the_beginning_of_an_admitted_one():
    cut = '<tracks coords="0.0 1 259 340;0.5 1 138 427;1.0 1 24'
    assert not admits(grammar_of(TRACKING), cut)
    assert admits(grammar_of(TRACKING), f'{cut}8 335">x</tracks>')


@pytest.mark.parametrize(
    "text", ["[]", '[{"start": "00:01", "end": "02:03.5", "description": "x"}]']
)
def test_events_are_an_array_also_of_none(text: str):
    assert admits(grammar_of(LOCALIZATION), text)


def test_points_in_images_have_the_number_of_an_image_that_was_sent():
    def tag(image: int) -> str:
        return f'<points coords="{image} 1 100 200">x</points>'

    grammar = grammar_of_images(POINTING, 12)
    assert [image for image in range(20) if admits(grammar, tag(image))] == [*range(1, 13)]


def test_a_schema_of_the_callers_is_what_a_description_is_held_to():
    schema = {"type": "object", "properties": {"z": {"type": "integer"}, "a": {"const": "é"}}}
    asked = Describe(prompt="?", json_schema=schema)
    grammar = grammar_of(asked)
    assert grammar is not None
    assert grammar == grammar_of_images(asked, 2)
    assert list(json.loads(grammar.text)["properties"]) == ["z", "a"]
    assert admits(grammar, '{"z": 7, "a": "é"}')


@pytest.mark.parametrize("operation", [*FORMED, Describe(prompt="?")])
def test_free_answers_are_held_to_nothing(operation: GeneratedOperation):
    free = {"constrained": False} if operation in FORMED else {}
    assert grammar_of(operation.model_copy(update=free)) is None


def admits(grammar: Grammar | None, text: str) -> bool:
    """Whether the whole of ``text`` is an answer."""
    matcher = constraint(grammar).matcher
    tokens = tokenizer().encode(text, add_special_tokens=False)
    return matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting()
