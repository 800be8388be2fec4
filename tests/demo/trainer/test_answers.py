"""What the model is taught is what a server reads as right, to the last point."""

import random

import pytest

from molmo2_contract.operations import Comprehensive, Pointing, TemporalLocalization, Tracking
from molmo2_contract.results import Status
from molmo2_contract.video import Sampled, VideoInfo
from molmo2_demo.score import score_points, score_tracks
from molmo2_demo.truth import Truth
from molmo2_handler.answers import read_answer
from molmo2_trainer import answers
from molmo2_trainer.clip import draw_clip
from molmo2_trainer.questions import ask


@pytest.fixture(params=range(6))
def clip(request):
    chance = random.Random(request.param)
    return draw_clip(chance, chance.choice((2.0, 4.0, 6.0)), 1 + request.param % 3)


@pytest.fixture
def truth(clip):
    return Truth.of("clip.mp4", clip.scene, clip.video_format, "shapes", [])


@pytest.fixture
def read(clip, truth):
    video = VideoInfo(
        width=truth.width,
        height=truth.height,
        duration=truth.duration,
        frame_rate=truth.frame_rate,
        frame_count=truth.frame_count,
        variable_frame_rate=truth.variable_frame_rate,
        sampled=Sampled(times=clip.times, frames=range(1, len(clip.times) + 1)),
    )
    return lambda operation, text: read_answer(operation, text, False, video)


def test_a_clip_is_sampled_as_its_video_would_be(clip, truth):
    assert clip.times == truth.sample_times
    told = [[(p.time, (p.x, p.y)) for p in track.points] for track in truth.tracks]
    assert told == [clip.positions(shape) for shape in clip.scene.shapes]


def test_points_and_tracks_score_full(clip, truth, read):
    shapes = clip.scene.shapes
    points = read(Pointing(prompt="shapes"), answers.point(clip, shapes, "shapes").text)
    assert points.status == Status.OK
    assert score_points(points.points, truth.tracks).rate == 1
    tracks = read(Tracking(prompt="shapes"), answers.track(clip, shapes, "shapes").text)
    assert score_tracks([track.points for track in tracks.tracks], truth.tracks).rate == 1
    assert len(tracks.tracks) == len(shapes)


def test_events_and_analyses_are_read_whole(clip, truth, read):
    events = read(TemporalLocalization(), answers.localize(clip).text)
    assert events.status == Status.OK
    found = {(event.start, event.description) for event in events.events}
    assert found == {(event.start, event.description) for event in truth.events}
    analysis = read(Comprehensive(), answers.analyze(clip).text)
    assert analysis.status == Status.OK
    assert {event.description for event in analysis.analysis.objects} == {
        shape.name for shape in clip.scene.shapes
    }


def test_a_description_names_every_shape(clip):
    assert all(shape.name in answers.describe(clip).text for shape in clip.scene.shapes)


def test_two_shapes_are_asked_for_by_their_names_in_one_sequence(clip):
    asked = ask(random.Random(0), clip)
    prompts = {question.prompt for question in asked}
    names = {f"Point to the {shape.name}." for shape in clip.scene.shapes}
    assert len(prompts & names) == min(2, len(names))
    absent = [question for question in asked if question.answer.text == answers.NOTHING]
    assert len(absent) <= 1


def test_the_pieces_of_an_answer_are_its_text(clip):
    draft = answers.track(clip, clip.scene.shapes, "shapes")
    assert "".join(draft.text[p.start : p.end] for p in draft.pieces) == draft.text
