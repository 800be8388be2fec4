"""What counts as an event that was found, and as a right description."""

import random

import pytest

from molmo2_contract.results import Event
from molmo2_demo.held_out import render_held_out
from molmo2_demo.scene import draw_scene
from molmo2_demo.truth import TrueEvent
from molmo2_demo.words import names_every_shape, score_events

TRUE = TrueEvent(0.0, 4.0, "red circle moves left")


def event(start, end, description="A red circle moves left"):
    return Event(start=start, end=end, start_frame=1, end_frame=2, description=description)


@pytest.mark.parametrize(
    ("answered", "hits"),
    [
        ([event(0, 4)], 1),
        ([event(0, 2)], 1),
        ([event(0, 1.9)], 0),
        ([event(0, 4, "A red square moves left")], 0),
        ([event(0, 4), event(0, 4)], 1),
        ([], 0),
    ],
)
def test_an_event_is_hit_once_by_a_span_that_overlaps_half_and_names_its_shape(answered, hits):
    tally = score_events(answered, [TRUE])
    assert tally.hits == hits
    assert tally.possible == max(1, len(answered))


def test_a_description_names_all_shapes_and_no_other():
    scene = draw_scene(random.Random(1), 2.0, 2)
    names = [shape.name for shape in scene.shapes]
    assert names_every_shape(f"A {names[0].upper()}. A {names[1]} stays.", scene)
    assert not names_every_shape(f"A {names[0]}.", scene)
    others = {"red circle", "blue square", "black triangle"} - set(names)
    assert not names_every_shape(f"A {names[0]}, a {names[1]} and a {others.pop()}.", scene)


def test_held_out_videos_hold_one_to_three_shapes(tmp_path):
    videos = render_held_out(tmp_path, 3, seed=1)
    assert [len(video.all.scene.shapes) for video in videos] == [1, 2, 3]
    for video in videos:
        assert len(video.one.tracks) == 1
        assert len(video.all.tracks) == len(video.all.scene.shapes)
        assert video.path.stat().st_size > 0
