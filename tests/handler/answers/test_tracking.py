from molmo2_contract.operations import Tracking
from molmo2_contract.results import Status, TrackingResult
from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import read_answer


def track(text: str, video: VideoInfo, truncated: bool = False) -> TrackingResult:
    result = read_answer(Tracking(prompt="hand"), text, truncated, video)
    assert isinstance(result, TrackingResult)
    return result


def test_tracks_stand_in_the_order_in_which_they_first_appear(video: VideoInfo):
    result = track('<tracks coords="0.0 2 1 1 1 1 1;0.5 3 1 1 2 1 1">hand</tracks>', video)
    assert [(found.id, len(found.points)) for found in result.tracks] == [(2, 2), (1, 1), (3, 1)]


def test_a_track_goes_on_in_a_second_tag_of_the_same_label(video: VideoInfo):
    tag = '<tracks coords="{}">{}</tracks>'
    text = (
        tag.format("5.0 1 1 1", "a") + tag.format("5.0 1 2 2", "b") + tag.format("4.0 1 3 3", "a")
    )
    assert [
        (found.label, [position.time for position in found.points])
        for found in track(text, video).tracks
    ] == [("a", [4.0, 5.0]), ("b", [5.0])]


def test_two_times_at_the_end_are_two_positions_though_one_frame(video: VideoInfo):
    (found,) = track('<tracks coords="29.9 1 1 1;30.0 1 2 2">hand</tracks>', video).tracks
    assert [(position.time, position.frame) for position in found.points] == [
        (29.9, 900),
        (30.0, 900),
    ]


def test_nothing_to_track_is_empty(video: VideoInfo):
    for text in ("There are none.", "No tracks available.", '<tracks coords="">hand</tracks>'):
        result = track(text, video)
        assert (result.status, result.tracks) == (Status.EMPTY, [])


def test_prose_is_unparsed(video: VideoInfo):
    result = track("It moves to the left.", video)
    assert (result.status, result.reason) == (
        Status.UNPARSED,
        "the answer does not hold tracks",
    )


def test_a_count_is_no_track(video: VideoInfo):
    assert track("3", video).status is Status.UNPARSED
