"""The answers that the official formatter writes, and those that its own parser is tested with."""

import pytest

from molmo2_contract.operations import Pointing, Tracking
from molmo2_contract.results import PointingResult, Status, TrackingResult
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import read_answer

THREE_PENGUINS = [(0.5, 1, 900, 400), (0.5, 2, 911, 800), (3.0, 3, 50, 500)]


def point(text: str, video: VideoInfo, truncated: bool = False) -> PointingResult:
    result = read_answer(Pointing(prompt="asked for"), text, truncated, video)
    assert isinstance(result, PointingResult)
    assert result.text == text
    return result


def track(text: str, video: VideoInfo, truncated: bool = False) -> TrackingResult:
    result = read_answer(Tracking(prompt="asked for"), text, truncated, video)
    assert isinstance(result, TrackingResult)
    assert result.text == text
    return result


def spoken(result: PointingResult) -> list[tuple[float, int, int, int]]:
    """(seconds, id, x, y), x and y in thousandths, as the model wrote them."""
    return [(p.time, p.id, round(p.x * 1000), round(p.y * 1000)) for p in result.points]


def followed(result: TrackingResult) -> dict[tuple[str, int], list[tuple[float, int, int]]]:
    """(label, id) to (seconds, x, y) of each position."""
    return {
        (track.label, track.id): [
            (p.time, round(p.x * 1000), round(p.y * 1000)) for p in track.points
        ]
        for track in result.tracks
    }


def test_01_points_in_several_frames(video: VideoInfo):
    result = point('<points coords="0.5 1 900 400 2 911 800;3.0 3 050 500">penguin</points>', video)
    assert spoken(result) == THREE_PENGUINS
    assert [p.frame for p in result.points] == [16, 16, 91]
    assert {p.label for p in result.points} == {"penguin"}
    assert (result.status, result.reason, result.count) == (Status.OK, None, 3)


def test_02_points_then_a_count(video: VideoInfo):
    text = (
        'Counting the <points coords="0.5 1 900 400 2 911 800;3.0 3 050 500">penguin</points>'
        " shows a total of 3."
    )
    result = point(text, video)
    assert spoken(result) == THREE_PENGUINS
    assert (result.status, result.count) == (Status.OK, 3)


def test_03_a_count_then_points(video: VideoInfo):
    result = point('There are 1 <points coords="0.5 1 911 800">penguin</points>.', video)
    assert spoken(result) == [(0.5, 1, 911, 800)]
    assert (result.status, result.count) == (Status.OK, 1)


def test_04_none(video: VideoInfo):
    result = point("There are none.", video)
    assert (result.status, result.reason, result.points, result.count) == (
        Status.EMPTY,
        None,
        [],
        0,
    )
    assert track("There are none.", video).status is Status.EMPTY
    assert track("No tracks available.", video).status is Status.EMPTY


def test_05_an_image_with_a_coordinate_of_four_digits(video: VideoInfo):
    result = point('<points coords="1 1 250 1000">dog</points>', video)
    assert spoken(result) == [(1.0, 1, 250, 1000)]
    assert result.points[0].y == 1.0


def test_06_several_images(video: VideoInfo):
    result = point('<points coords="1 1 100 200;3 2 300 400 3 500 600">cat</points>', video)
    assert spoken(result) == [(1.0, 1, 100, 200), (3.0, 2, 300, 400), (3.0, 3, 500, 600)]


def test_07_tracks(video: VideoInfo):
    result = track(
        '<tracks coords="0.0 1 010 020 2 259 340;0.5 2 138 427;12.0 1 1000 1000 3 000 000">'
        "red car</tracks>",
        video,
    )
    assert followed(result) == {
        ("red car", 1): [(0.0, 10, 20), (12.0, 1000, 1000)],
        ("red car", 2): [(0.0, 259, 340), (0.5, 138, 427)],
        ("red car", 3): [(12.0, 0, 0)],
    }
    assert [[p.frame for p in t.points] for t in result.tracks] == [[1, 361], [1, 16], [361]]
    assert result.status is Status.OK


def test_08_an_alternative_text(video: VideoInfo):
    result = point('<points alt="a brown dog" coords="1 1 100 200">dog</points>', video)
    assert spoken(result) == [(1.0, 1, 100, 200)]
    assert result.points[0].label == "dog"


def test_09_the_older_format_with_tabs(video: VideoInfo):
    result = point('<points coords="0.1 1 911 800\t0.2 2 900 400">aasdf</points>', video)
    assert spoken(result) == [(0.1, 1, 911, 800), (0.2, 2, 900, 400)]


def test_10_a_label_attribute_in_a_tag_without_a_body(video: VideoInfo):
    result = track('<tracks label="debug" coords="2.0 1 300 300\t3.0 1 300 300 2 400 400"/>', video)
    assert followed(result) == {
        ("debug", 1): [(2.0, 300, 300), (3.0, 300, 300)],
        ("debug", 2): [(3.0, 400, 400)],
    }
    assert result.status is Status.OK


def test_11_a_track_in_the_older_format(video: VideoInfo):
    result = track(
        '<tracks coords="0.0 1 259 340\t1.0 1 138 427\t2.0 1 248 335">debug</tracks>', video
    )
    assert followed(result) == {
        ("debug", 1): [(0.0, 259, 340), (1.0, 138, 427), (2.0, 248, 335)],
    }


def test_12_two_tags_keep_their_own_labels(video: VideoInfo):
    text = (
        '<points coords="1.0 1 100 200">cat</points> and <points coords="1.0 1 300 400">dog'
        "</points>"
    )
    assert [(p.label, p.id, p.x) for p in point(text, video).points] == [
        ("cat", 1, 0.1),
        ("dog", 1, 0.3),
    ]
    assert followed(track(text, video)) == {
        ("cat", 1): [(1.0, 100, 200)],
        ("dog", 1): [(1.0, 300, 400)],
    }


def test_13_ids_of_three_digits(video: VideoInfo):
    result = point('<points coords="0.5 100 111 222 101 333 444">x</points>', video)
    assert spoken(result) == [(0.5, 100, 111, 222), (0.5, 101, 333, 444)]


def test_14_times_without_decimals(video: VideoInfo):
    result = track('<tracks coords="0 1 100 200;1 1 110 210">x</tracks>', video)
    assert followed(result) == {("x", 1): [(0.0, 100, 200), (1.0, 110, 210)]}


def test_15_an_id_twice_in_one_frame_keeps_the_first_and_says_so(video: VideoInfo):
    result = track('<tracks coords="0.5 1 111 222 1 333 444">x</tracks>', video)
    assert followed(result) == {("x", 1): [(0.5, 111, 222)]}
    assert result.status is Status.PARTIAL
    assert result.reason == (
        "1 of 2 points was of a track that already had one at that time and was dropped"
    )


def test_16_the_points_of_molmo_1_are_percentages_in_the_first_frame(video: VideoInfo):
    result = point('<points x1="10.0" y1="20.0" x2="99.5" y2="0" alt="a">a</points>', video)
    assert spoken(result) == [(0.0, 1, 100, 200), (0.0, 2, 995, 0)]
    assert [(p.frame, p.label) for p in result.points] == [(1, "a"), (1, "a")]


@pytest.mark.parametrize("truncated", [True, False])
def test_17_a_cut_off_answer_keeps_every_whole_point(truncated: bool, video: VideoInfo):
    text = '<tracks coords="0.0 1 259 340;0.5 1 138 427;1.0 1 24'
    result = track(text, video, truncated)
    assert followed(result) == {("asked for", 1): [(0.0, 259, 340), (0.5, 138, 427)]}
    assert result.status is Status.PARTIAL
    assert result.reason == (
        "the token limit cut the answer off"
        if truncated
        else "the answer breaks off or is malformed"
    )


def test_18_a_space_behind_the_separator(video: VideoInfo):
    result = point('<points coords="0.5 1 100 200; 1.0 2 300 400">x</points>', video)
    assert spoken(result) == [(0.5, 1, 100, 200), (1.0, 2, 300, 400)]


@pytest.mark.parametrize(
    ("text", "expected", "reason"),
    [
        ('<points coords="0.5 1 5 20 2 6 7">x</points>', [(0.5, 1, 5, 20), (0.5, 2, 6, 7)], None),
        (
            '<points coords="2.00.00 1 100 200;3.0 2 100 200">x</points>',
            [(3.0, 2, 100, 200)],
            "1 of 2 points was at a time that cannot be read and was dropped",
        ),
        ('<points coords="00:00:02.5 1 100 200">x</points>', [(2.5, 1, 100, 200)], None),
        ('<points\ncoords="0.5 1 100 200">x</points>', [(0.5, 1, 100, 200)], None),
        ('<points coords="0.5 1 100 200" alt="x">x</points>', [(0.5, 1, 100, 200)], None),
        (
            '<points coords="0.5 1 1001 200 2 100 200 3 100 5000">x</points>',
            [(0.5, 2, 100, 200)],
            "2 of 3 points were outside 0..1000 and were dropped",
        ),
    ],
    ids=["short", "bad-time", "clock", "line-end", "attribute-behind", "outside"],
)  # fmt: skip
def test_19_what_the_official_parser_drops_in_silence(
    text: str, expected: list[tuple[float, int, int, int]], reason: str | None, video: VideoInfo
):
    result = point(text, video)
    assert spoken(result) == expected
    assert result.reason == reason
    assert result.status is (Status.PARTIAL if reason else Status.OK)
