"""Scenes: what moves where, who is meant by a prompt, and what is never drawn."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molmo2_demo.scene import DURATIONS, Scene, Shape, draw_scene, sample_times
from molmo2_demo.video_format import FORMATS

scenes = st.builds(
    draw_scene,
    st.integers(0, 10_000).map(random.Random),
    duration=st.sampled_from(DURATIONS),
    shape_count=st.integers(1, 3),
)


def shape(color="red", form="circle", **changes):
    settings = {
        "radius": 0.1,
        "phase": (0.5, 0.5),
        "velocity": (0.1, 0.0),
        "appears": 0.0,
        "disappears": 4.0,
    }
    return Shape(color, form, **(settings | changes))


def test_a_shape_moves_by_its_velocity_until_it_bounces():
    mover = shape(phase=(0.5, 0.5), velocity=(0.2, 0.0))

    assert mover.center(1.0) == pytest.approx((0.7, 0.5))
    # The room ends at 1 - (1.35 * 0.1 + 0.01) = 0.855, reached after 1.775 s.
    assert mover.center(1.775) == pytest.approx((0.855, 0.5))
    assert mover.center(2.775) == pytest.approx((0.655, 0.5))


def test_a_shape_is_visible_from_its_first_to_its_last_second_both_included():
    guest = shape(appears=1.0, disappears=2.0)

    assert [guest.visible(time) for time in (0.9, 1.0, 2.0, 2.1)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("velocity", "motion"),
    [
        ((0.0, 0.0), "stays still"),
        ((0.2, 0.1), "moves right"),
        ((-0.2, 0.1), "moves left"),
        ((0.1, 0.2), "moves down"),
        ((0.1, -0.2), "moves up"),
    ],
)
def test_motion_is_told_by_its_greater_part(velocity, motion):
    assert shape(velocity=velocity).motion == motion


@pytest.mark.parametrize(
    ("prompt", "names"),
    [
        ("red circle", ["red circle"]),
        ("circles", ["red circle", "blue circle"]),
        ("red objects", ["red circle", "red square"]),
        ("shapes", ["red circle", "red square", "blue circle"]),
        ("green circle", []),
    ],
)
def test_a_prompt_names_shapes_by_color_form_or_both(prompt, names):
    shapes = (shape(), shape(form="square"), shape("blue"))
    scene = Scene(4.0, (128, 128, 128), shapes)

    assert [found.name for found in scene.named(prompt)] == names


@settings(deadline=None)
@given(scenes)
def test_shapes_of_a_drawn_scene_all_differ(scene):
    assert len({each.name for each in scene.shapes}) == len(scene.shapes)


@settings(deadline=None)
@given(scenes)
def test_shapes_of_a_drawn_scene_never_touch_in_a_sampled_frame(scene):
    for time in sample_times(scene.duration):
        seen = [each for each in scene.shapes if each.visible(time)]
        for number, first in enumerate(seen):
            for second in seen[:number]:
                distance = math.dist(first.center(time), second.center(time))
                assert distance > first.radius + second.radius


@settings(deadline=None)
@given(scenes, st.floats(0, 5), st.sampled_from(FORMATS))
def test_shapes_never_leave_the_frame(scene, time, video_format):
    width, height = video_format.width, video_format.height
    for each in scene.shapes:
        x, y = each.center(time)
        radius = each.radius * math.sqrt(width * height)
        assert radius <= x * width <= width - radius
        assert radius <= y * height <= height - radius
