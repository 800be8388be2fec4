"""The generator: the same seed gives the same bytes, and the truth stands beside each video."""

import itertools

import pytest

from molmo2_contract.operations import OPERATION_NAMES
from molmo2_demo.generate import generate
from molmo2_demo.truth import Truth


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("videos"), count=6, seed=3)


def test_the_same_seed_gives_the_same_files_whatever_the_count(videos, tmp_path):
    again = generate(tmp_path, count=2, seed=3)

    for first, second in zip(videos[:2], again, strict=True):
        assert first.path.read_bytes() == second.path.read_bytes()
        assert first.truth_path.read_bytes() == second.truth_path.read_bytes()


def test_another_seed_gives_another_scene(videos, tmp_path):
    (other,) = generate(tmp_path, count=1, seed=4)

    assert other.truth.scene != videos[0].truth.scene


def test_the_truth_is_read_back_as_it_was_written(videos):
    for video in videos:
        assert Truth.read(video.truth_path) == video.truth
        assert video.truth.video == video.path.name


def test_all_six_operations_are_asked_of_every_video(videos):
    for video in videos:
        assert tuple(asked.operation for asked in video.truth.operations) == OPERATION_NAMES
        pointing, tracking, *_ = video.truth.operations
        assert pointing.prompt == tracking.prompt == video.truth.prompt


def test_videos_of_one_named_shape_and_of_two_take_turns(videos):
    for number, video in enumerate(videos):
        shapes = video.truth.scene.shapes
        assert len(shapes) == 1 + number % 2
        assert video.truth.prompt == (shapes[0].name if len(shapes) == 1 else "shapes")
        assert [track.name for track in video.truth.tracks] == [each.name for each in shapes]


def test_true_tracks_hold_the_frames_on_display_at_the_sampled_times(videos):
    for video in videos:
        truth = video.truth
        assert truth.sample_times[0] == 0
        assert truth.sample_times[-1] == truth.duration
        for track, shape in zip(truth.tracks, truth.scene.shapes, strict=True):
            assert track.points
            for point in track.points:
                assert point.time in truth.sample_times
                assert 1 <= point.frame <= truth.frame_count
                lag = 1.5 / truth.frame_rate
                assert (point.x, point.y) == pytest.approx(shape.center(point.time), abs=lag)


def test_the_last_sampled_time_shows_the_last_frame(videos):
    lasts = [
        (track.points[-1].frame, video.truth.frame_count)
        for video in videos
        for track in video.truth.tracks
        if track.points[-1].time == video.truth.duration
    ]

    assert lasts
    assert all(frame == count for frame, count in lasts)


def test_events_are_the_shapes_times_in_the_video(videos):
    for truth in (video.truth for video in videos):
        told = [(event.start, event.end) for event in truth.events]
        assert told == [(each.appears, each.disappears) for each in truth.scene.shapes]
        for event, shape in zip(truth.events, truth.scene.shapes, strict=True):
            assert event.description == f"{shape.name} {shape.motion}"


def test_formats_differ_in_shape_and_rate(videos):
    truths = [video.truth for video in videos]

    assert len({(truth.width > truth.height, truth.width < truth.height) for truth in truths}) == 3
    assert len({round(truth.frame_rate, 2) for truth in truths}) >= 5
    assert sum(truth.variable_frame_rate for truth in truths) == 1
    assert all(first != second for first, second in itertools.pairwise(truths))
