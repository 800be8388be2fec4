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
