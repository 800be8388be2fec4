import pytest

from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    GeneratedOperation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import ProgressReader

POINTING, TRACKING = Pointing(prompt="x"), Tracking(prompt="x")


def fed(operation: GeneratedOperation, video: VideoInfo, *pieces: str) -> list[list[float]]:
    """The times of the points that each further piece of an answer brings."""
    reader = ProgressReader(operation, video)
    text, times = "", []
    for piece in pieces:
        text += piece
        times.append([point.time for point in reader.feed(text)])
    return times


@pytest.mark.parametrize("operation", [POINTING, TRACKING])
def test_a_time_step_is_reported_once_when_it_is_finished(
    operation: GeneratedOperation, video: VideoInfo
):
    assert fed(
        operation,
        video,
        '<points coords="0.5 1 10',
        "0 200 2 300 400",
        ";1",
        ".0 3 100 200",
        '">',
        "x</points>",
    ) == [[], [], [0.5, 0.5], [], [1.0], []]


def test_a_point_in_progress_is_whole(video: VideoInfo):
    (point,) = ProgressReader(TRACKING, video).feed('<tracks coords="30.0 4 250 1000;')
    assert point.model_dump() == {"time": 30.0, "frame": 900, "id": 4, "x": 0.25, "y": 1.0}


def test_the_whole_answer_at_once_brings_every_point(video: VideoInfo):
    text = '<points coords="0.5 1 1 1;1.0 2 1 1">a</points><points coords="2.0 1 1 1"/>'
    assert fed(POINTING, video, text, "") == [[0.5, 1.0, 2.0], []]


def test_a_position_that_the_result_drops_is_not_reported(video: VideoInfo):
    text = '<tracks coords="0.5 1 1 1 1 2 2;0.5 1 3 3;1.0 1 1001 1 2 1 1;'
    assert fed(TRACKING, video, text) == [[0.5, 1.0]]


@pytest.mark.parametrize(
    "operation", [Describe(prompt="x"), TemporalLocalization(), Comprehensive()]
)
def test_other_operations_have_no_points(operation: GeneratedOperation, video: VideoInfo):
    assert fed(operation, video, '<points coords="0.5 1 100 200;1.0 ') == [[]]
