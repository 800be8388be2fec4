import pytest

from molmo2_contract.operations import Pointing
from molmo2_contract.results import FinishReason, PointingResult, Status
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import read_answer


def point(text: str, video: VideoInfo, truncated: bool = False) -> PointingResult:
    result = read_answer(Pointing(prompt="person's nose"), text, truncated, video)
    assert isinstance(result, PointingResult)
    return result


def test_a_point_has_a_time_a_frame_an_id_a_place_and_a_label(video: VideoInfo):
    (found,) = point('<points coords="29.5 7 250 1000">Nose of A. B.</points>', video).points
    assert found.model_dump() == {
        "time": 29.5,
        "frame": 886,
        "id": 7,
        "x": 0.25,
        "y": 1.0,
        "label": "Nose of A. B.",
    }


def test_the_prompt_is_the_label_only_where_the_model_gives_none(video: VideoInfo):
    result = point('<points coords="1.0 1 1 1"/> <points coords="1.0 1 1 1" alt="b"/>', video)
    assert [found.label for found in result.points] == ["person's nose", "b"]


def test_no_frame_lies_behind_the_last_one(video: VideoInfo):
    result = point('<points coords="30.0 1 100 200;99.0 2 100 200">x</points>', video)
    assert [(found.time, found.frame) for found in result.points] == [(30.0, 900), (30.0, 900)]


def test_what_was_dropped_is_stated(video: VideoInfo):
    result = point('<points coords="0.5 1 1001 200 2 1 1;x 3 1 1 4 1 1">x</points>', video)
    assert (result.status, len(result.points), result.count) == (Status.PARTIAL, 1, 1)
    assert result.reason == (
        "1 of 4 points was outside 0..1000 and was dropped; "
        "2 of 4 points were at a time that cannot be read and were dropped"
    )
    assert result.finish_reason is FinishReason.STOP


def test_nothing_readable_is_unparsed_and_never_empty(video: VideoInfo):
    everything_dropped = point('<points coords="0.5 1 1001 200">x</points>', video)
    assert (everything_dropped.status, everything_dropped.points) == (Status.UNPARSED, [])
    assert everything_dropped.reason == "1 of 1 points was outside 0..1000 and was dropped"

    prose = point("The nose is on the left.", video)
    assert (prose.status, prose.text) == (Status.UNPARSED, "The nose is on the left.")
    assert prose.reason == "the answer does not hold points"


@pytest.mark.parametrize("truncated", [True, False])
@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_text_is_unparsed(text: str, truncated: bool, video: VideoInfo):
    result = point(text, video, truncated)
    assert (result.status, result.reason) == (Status.UNPARSED, "the answer is empty")


@pytest.mark.parametrize("text", ["0", "There are 0.", '<points coords="">x</points>'])
def test_a_count_of_zero_is_empty(text: str, video: VideoInfo):
    text = text.replace("There are 0.", 'There are 0 <points coords="">x</points>.')
    result = point(text, video)
    assert (result.status, result.count, result.points) == (Status.EMPTY, 0, [])


def test_a_bare_count_is_an_answer_without_points(video: VideoInfo):
    result = point("12", video)
    assert (result.status, result.count, result.points) == (Status.OK, 12, [])


def test_the_stated_count_goes_before_the_counted_one(video: VideoInfo):
    result = point('There are 5 <points coords="1.0 1 1 1">x</points>.', video)
    assert (result.count, len(result.points)) == (5, 1)


def test_a_count_that_the_cut_may_have_shortened_is_not_believed(video: VideoInfo):
    text = 'Counting the <points coords="1.0 1 1 1;2.0 2 1 1">x</points> shows a total of 1'
    result = point(text, video, truncated=True)
    assert (result.status, result.count) == (Status.PARTIAL, 2)
    assert result.finish_reason is FinishReason.LENGTH


def test_an_answer_cut_off_before_its_first_point_is_partial(video: VideoInfo):
    result = point('<points coords="0.5 1 10', video, truncated=True)
    assert (result.status, result.points) == (Status.PARTIAL, [])
    assert result.reason == "the token limit cut the answer off before it held points"


def test_tracks_are_points_too(video: VideoInfo):
    result = point('<tracks coords="1.0 4 1 1;2.0 4 1 1">x</tracks>', video)
    assert [(found.time, found.id) for found in result.points] == [(1.0, 4), (2.0, 4)]


def test_usage_and_timing_are_left_to_the_caller(video: VideoInfo):
    result = point("There are none.", video)
    assert (result.usage, result.timing, result.error) == (None, None, None)
