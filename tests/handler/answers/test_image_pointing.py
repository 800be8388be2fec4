"""Answers that point into images."""

from molmo2_contract.operations import Pointing
from molmo2_contract.results import Status
from molmo2_handler.answers import read_image_pointing

CAT = Pointing(prompt="cat")


def read(text, images=3, truncated=False):
    return read_image_pointing(CAT, text, truncated, images)


def places(result):
    return [(point.image, point.id, point.x, point.y) for point in result.points]


def test_a_point_in_one_image():
    result = read('<points coords="1 1 250 1000">dog</points>', images=1)
    assert places(result) == [(1, 1, 0.25, 1.0)]
    assert result.points[0].label == "dog"
    assert result.status is Status.OK


def test_points_in_several_images():
    result = read('<points coords="1 1 100 200;3 2 300 400 3 500 600">cat</points>')
    assert places(result) == [(1, 1, 0.1, 0.2), (3, 2, 0.3, 0.4), (3, 3, 0.5, 0.6)]


def test_a_point_in_an_image_that_was_not_sent_is_dropped_and_named():
    result = read('<points coords="1 1 100 200;4 2 300 400;1.5 3 1 1;0 4 1 1">cat</points>')
    assert places(result) == [(1, 1, 0.1, 0.2)]
    assert result.status is Status.PARTIAL
    assert "3 of 4 points were in an image that was not sent" in result.reason


def test_the_older_format_points_into_the_first_image():
    result = read('<point x="10.0" y="20.0" alt="a">a</point>')
    assert places(result) == [(1, 1, 0.1, 0.2)]


def test_a_cut_off_answer_keeps_its_whole_points():
    result = read('<points coords="1 1 100 200;2 2 30', truncated=True)
    assert places(result) == [(1, 1, 0.1, 0.2)]
    assert result.status is Status.PARTIAL


def test_a_count_and_nothing():
    assert read("There are none.").status is Status.EMPTY
    text = 'Counting the <points coords="1 1 100 200">cat</points> shows a total of 2.'
    assert read(text).count == 2
