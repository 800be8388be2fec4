"""Rendered files: what a demuxer says of their times, and what a decoder shows."""

import math
from fractions import Fraction
from itertools import cycle, pairwise

import av
import numpy as np
import pytest

from molmo2_demo.scene import COLORS, DURATIONS, FORMS, Scene, Shape, sample_times
from molmo2_demo.video import write_video
from molmo2_demo.video_format import FORMATS, VideoFormat

BACKGROUND = (110, 110, 110)

CENTROID = {"circle": 0.0, "square": 0.0, "triangle": -1 + 1.9 * 2 / 3}
"""How far below the centre a form's centroid lies, in radii."""


def one_shape(form, color="red", duration=2.0):
    mover = Shape(
        color, form, 0.11, (0.3, 0.6), velocity=(0.25, -0.15), appears=0.0, disappears=duration
    )
    return Scene(duration, BACKGROUND, (mover,))


def demux(path):
    """Codec, and the packets' (pts, dts, duration) in seconds, in the order of the file."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        packets = [
            tuple(ticks * stream.time_base for ticks in (packet.pts, packet.dts, packet.duration))
            for packet in container.demux(stream)
            if packet.pts is not None
        ]
        return stream.codec_context.name, packets


def decode(path):
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.fixture(scope="module", params=list(zip(FORMATS, cycle(FORMS), strict=False)), ids=str)
def written(request, tmp_path_factory):
    """A format, a scene of one shape, and its video."""
    video_format, form = request.param
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    write_video(path, one_shape(form), video_format)
    return video_format, one_shape(form), path


def test_every_frame_lasts_from_its_time_to_the_next(written):
    video_format, scene, path = written
    codec, packets = demux(path)

    assert codec == "h264"
    spans = sorted((pts, pts + lasts) for pts, _, lasts in packets)
    assert spans == list(pairwise(video_format.frame_times(scene.duration)))


@pytest.mark.parametrize("duration", DURATIONS)
@pytest.mark.parametrize("video_format", FORMATS, ids=str)
def test_the_sampled_times_read_like_those_the_model_was_trained_on(video_format, duration):
    end = float(video_format.frame_times(duration)[-1])
    trained = [f"{half / 2:.1f}" for half in range(int(2 * duration) + 1)]

    assert [f"{time:.1f}" for time in sample_times(end)] == trained
    assert duration - 1 / video_format.frame_rate < end <= duration


def test_only_the_variable_rate_varies():
    def lengths(video_format):
        return {end - start for start, end in pairwise(video_format.frame_times(5.0))}

    for video_format in FORMATS:
        if video_format.variable:
            assert lengths(video_format) == {Fraction(1, 30), Fraction(1, 10)}
        else:
            assert lengths(video_format) == {1 / video_format.frame_rate}


def test_frames_of_a_constant_rate_are_decoded_in_another_order_than_shown(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, one_shape("circle"), VideoFormat(320, 240, Fraction(30)))

    shown = [pts for pts, _, _ in demux(path)[1]]

    assert shown != sorted(shown)


def test_decoded_frames_show_the_shape_where_it_is(written):
    video_format, scene, path = written
    (mover,) = scene.shapes
    width, height = video_format.width, video_format.height
    radius = mover.radius * math.sqrt(width * height)
    frames = decode(path)
    times = video_format.frame_times(scene.duration)[:-1]
    assert len(frames) == len(times)

    for number in (0, len(times) // 2, len(times) - 1):
        covered = np.argwhere(_covered(frames[number], mover.color)) + 0.5
        row, column = covered.mean(axis=0)
        x, y = mover.center(float(times[number]))
        assert column == pytest.approx(x * width, abs=0.75)
        assert row == pytest.approx(y * height + CENTROID[mover.form] * radius, abs=0.75)


@pytest.mark.parametrize("video_format", [FORMATS[0], FORMATS[3]], ids=str)
def test_circles_are_round_and_as_large_as_they_should_be(tmp_path, video_format):
    path = tmp_path / "a.mp4"
    scene = one_shape("circle")
    write_video(path, scene, video_format)
    radius = scene.shapes[0].radius * math.sqrt(video_format.width * video_format.height)

    covered = np.argwhere(_covered(decode(path)[0], "red"))
    extent = covered.max(axis=0) - covered.min(axis=0) + 1

    assert extent == pytest.approx([2 * radius] * 2, abs=2)


def test_a_shape_that_is_not_there_yet_leaves_the_background_plain(tmp_path):
    path = tmp_path / "a.mp4"
    late = Shape("red", "square", 0.11, (0.5, 0.5), (0.0, 0.0), appears=1.0, disappears=3.0)
    video_format = VideoFormat(160, 120, Fraction(10))
    write_video(path, Scene(3.0, BACKGROUND, (late,)), video_format)

    seen = [bool(_covered(frame, "red").any()) for frame in decode(path)]

    assert seen == [False] * 10 + [True] * 20


def _covered(frame, color):
    """Which pixels are nearer to ``color`` than to the background."""
    way = np.subtract(COLORS[color], BACKGROUND)
    return (frame.astype(float) - BACKGROUND) @ way > 0.5 * way @ way
