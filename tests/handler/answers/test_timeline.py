from collections.abc import Callable

import pytest

from molmo2_contract.video import VideoInfo
from molmo2_handler.answers import Timeline

VideoOf = Callable[[list[float], list[int]], VideoInfo]


def test_a_sampled_time_is_its_own_frame(video: VideoInfo):
    timeline = Timeline(video)
    sampled = video.sampled
    assert [timeline.frame_at(time) for time in sampled.times] == sampled.frames


def test_the_last_time_is_the_last_frame_and_none_behind_it(video: VideoInfo):
    assert Timeline(video).place(30.0) == (30.0, 900)
    assert Timeline(video).place(99.0) == (30.0, 900)


def test_a_time_before_a_clip_is_its_first_frame(video_of: VideoOf):
    clip = Timeline(video_of([5.0, 5.5, 6.0], [151, 166, 181]))
    assert clip.place(0.0) == (5.0, 151)
    assert clip.place(None) == (5.0, 151)


def test_a_time_between_two_frames_is_the_nearer_one_and_of_a_tie_the_earlier(video_of: VideoOf):
    timeline = Timeline(video_of([0.0, 0.2, 0.3, 0.8], [1, 7, 10, 25]))
    assert timeline.frame_at(0.05) == 1
    assert timeline.frame_at(0.1) == 1
    assert timeline.frame_at(0.15) == 7
    assert timeline.frame_at(0.25) == 7
    assert timeline.frame_at(0.56) == 25
    # As floats, 0.2 - 0.1 is more than 0.3 - 0.2.
    assert Timeline(video_of([0.1, 0.3], [4, 10])).frame_at(0.2) == 4


def test_a_printed_time_is_the_frame_that_it_was_printed_for(video_of: VideoOf):
    # Long videos are sampled at odd times. 0.15 prints as 0.1, so 0.2 can only mean 0.25, although
    # both are as near.
    timeline = Timeline(video_of([0.0, 0.15, 0.25], [1, 5, 8]))
    assert timeline.frame_at(0.2) == 8


def test_two_frames_that_print_alike_are_the_first_of_them(video_of: VideoOf):
    timeline = Timeline(video_of([4.0, 4.5, 4.54], [121, 136, 137]))
    assert timeline.frame_at(4.5) == 136
    assert timeline.place(4.6) == (4.54, 137)


def test_a_variable_frame_rate_needs_no_frame_rate(video_of: VideoOf):
    # 60 frames in the first second, then 5 a second.
    timeline = Timeline(video_of([0.0, 0.5, 1.0, 1.5, 2.0], [1, 31, 61, 63, 66]))
    assert [timeline.frame_at(time) for time in (0.5, 1.0, 1.6, 2.0)] == [31, 61, 63, 66]


def test_a_timeline_needs_sampled_frames(video: VideoInfo):
    nothing = video.sampled.model_copy(update={"times": [], "frames": []})
    with pytest.raises(ValueError, match="0 times and 0 frames"):
        Timeline(video.model_copy(update={"sampled": nothing}))
