import json

import pytest

from molmo2_contract.operations import Describe
from molmo2_contract.results import FinishReason, Status
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import read_answer

DESCRIBE = Describe(prompt="What happens?")


def test_a_description_is_the_text_itself(video: VideoInfo):
    result = read_answer(DESCRIBE, " A BMW M3 in NYC. \n", False, video)
    assert (result.status, result.text) == (Status.OK, "A BMW M3 in NYC.")
    assert (result.reason, result.finish_reason) == (None, FinishReason.STOP)


def test_a_cut_off_description_is_partial(video: VideoInfo):
    result = read_answer(DESCRIBE, "A BMW M", True, video)
    assert (result.status, result.text) == (Status.PARTIAL, "A BMW M")
    assert result.reason == "the token limit cut the answer off"
    assert result.finish_reason is FinishReason.LENGTH


@pytest.mark.parametrize("text", ["", "\n"])
def test_no_description_is_empty(text: str, video: VideoInfo):
    result = read_answer(DESCRIBE, text, False, video)
    assert (result.status, result.text, result.reason) == (Status.EMPTY, "", None)


SCHEMA = Describe(prompt="How many?", json_schema={"type": "object"})


@pytest.mark.parametrize("value", [{"cats": 2, "where": ["é"]}, 7, "two", None, []])
def test_an_answer_that_follows_a_schema_has_its_data(value: object, video: VideoInfo):
    text = json.dumps(value)
    result = read_answer(SCHEMA, text, False, video)
    assert (result.status, result.reason, result.text) == (Status.OK, None, text)
    assert result.data == value
    assert type(result).model_validate_json(result.model_dump_json()) == result


def test_of_a_cut_off_answer_there_is_no_data(video: VideoInfo):
    result = read_answer(SCHEMA, '{"cats": 1', True, video)
    assert (result.status, result.data, result.text) == (Status.PARTIAL, None, '{"cats": 1')
    assert result.reason == "the token limit cut the answer off before it held a whole JSON value"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a cat", "Expecting value"),
        ('{"cats": 1e999}', "a number too large"),
        (f'{{"cats": {"9" * 5000}}}', "4300 digits"),
        ("[" * 33 + "]" * 33, "nested more than 32 deep"),
        ("[" * 50_000 + "]" * 50_000, "nested more than 32 deep"),
    ],
)
def test_what_a_result_cannot_carry_is_said(text: str, why: str, video: VideoInfo):
    result = read_answer(SCHEMA, text, False, video)
    assert (result.status, result.data) == (Status.UNPARSED, None)
    assert result.reason.startswith("no data: ")
    assert why in result.reason


def test_a_description_without_a_schema_has_no_data(video: VideoInfo):
    assert read_answer(DESCRIBE, '{"cats": 2}', False, video).data is None
