"""Held-out videos: what counts as right of each answer, and which rates are too low."""

import json
import random
from pathlib import Path

import pytest

from molmo2_contract.results import (
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    Event,
    Point,
    PointingResult,
    Position,
    Status,
    TemporalLocalizationResult,
    Track,
    TrackingResult,
)
from molmo2_demo.answered import WANTED, Answered, score_vectors, verdict
from molmo2_demo.held_out import HeldOutVideo
from molmo2_demo.scene import draw_scene
from molmo2_demo.score import Tally
from molmo2_demo.truth import Truth
from molmo2_demo.video_format import FORMATS


@pytest.fixture
def video():
    """Of two shapes."""
    scene = draw_scene(random.Random(4), 3.0, 2)
    one, every = (
        Truth.of("", scene, FORMATS[0], prompt, []) for prompt in (scene.shapes[0].name, "shapes")
    )
    return HeldOutVideo(Path("a.mp4"), Path("b.mp4"), one, every)


def perfect(video):
    """The results of a model that is always right."""
    ok = {"status": Status.OK}
    names = [track.name for track in video.all.tracks]
    text = " and ".join(f"a {name}" for name in names)
    events = [
        Event(start=e.start, end=e.end, start_frame=1, end_frame=2, description=e.description)
        for e in video.all.events
    ]
    analysis = Analysis(summary=text, objects=events, events=events)
    return [
        *(PointingResult(**ok, points=points(truth)) for truth in (video.one, video.all)),
        *(TrackingResult(**ok, tracks=tracks(truth)) for truth in (video.one, video.all)),
        TemporalLocalizationResult(**ok, events=events),
        DescribeResult(**ok, text=text),
        ComprehensiveResult(**ok, analysis=analysis),
        vector(1.0, 0.0),
    ]


def points(truth):
    firsts = enumerate((track.points[0] for track in truth.tracks), 1)
    return [Point(**vars(first), id=number, label="") for number, first in firsts]


def tracks(truth):
    return [
        Track(id=number, label="", points=[Position(**vars(point)) for point in track.points])
        for number, track in enumerate(truth.tracks)
    ]


def vector(*values):
    return EmbedResult(status=Status.OK, pooling="mean", embedding=list(values))


def test_every_operation_that_is_right_is_a_full_score(video):
    rates = Answered.of(video, perfect(video)).rates()
    assert rates == dict.fromkeys(rates, 1.0)
    assert {*WANTED, "summary_hit_rate", "object_hit_rate", "analysis_event_hit_rate"} == {*rates}


def test_operations_are_asked_in_the_order_in_which_they_are_scored(video):
    assert [each.operation for each in video.operations] == [
        each.operation for each in perfect(video)
    ]


def test_what_is_wrong_costs_its_own_rate_only(video):
    results = perfect(video)
    results[1] = PointingResult(status=Status.OK, points=points(video.all)[:1])
    results[5] = DescribeResult(status=Status.OK, text=video.one.tracks[0].name)
    rates = Answered.of(video, results).rates()
    wrong = {name: rate for name, rate in rates.items() if rate < 1}
    assert wrong == {"point_hit_rate": pytest.approx(2 / 3), "description_hit_rate": 0}


def test_an_analysis_that_is_none_or_in_parts_costs_what_is_missing(video):
    results = perfect(video)
    results[6] = ComprehensiveResult(status=Status.UNPARSED)
    answered = Answered.of(video, results)
    assert (answered.summary.rate, answered.object.rate, answered.analysis_event.rate) == (0, 0, 0)
    objects = perfect(video)[6].analysis.objects[:1]
    results[6] = ComprehensiveResult(status=Status.OK, analysis=Analysis(objects=objects))
    answered = Answered.of(video, results)
    assert (answered.summary.rate, answered.object.rate, answered.analysis_event.rate) == (
        0,
        0.5,
        0,
    )


def test_videos_add_up(video):
    right, wrong = perfect(video), perfect(video)
    wrong[5] = DescribeResult(status=Status.OK, text="nothing")
    total = Answered.of(video, right) + Answered.of(video, wrong)
    assert total.description == Tally(1, 2, 2, 2)
    assert total.event.rate == 1


def test_a_video_is_most_like_its_own_copy():
    videos = [vector(1.0, 0.0), vector(0.0, 1.0), vector(0.6, 0.8)]
    copies = [vector(0.9, 0.1), vector(0.1, 0.9), vector(0.6, 0.8)]
    assert score_vectors(videos, copies).rate == 1
    assert score_vectors(videos, [copies[0]] * 2 + copies[2:]).rate == pytest.approx(2 / 3)
    failed = EmbedResult(status=Status.ERROR, pooling="mean")
    assert score_vectors([failed, *videos[1:]], copies).rate == pytest.approx(2 / 3)


def test_rates_below_what_is_wanted_are_told():
    line, below = verdict({**WANTED, "summary_hit_rate": 0.1})
    assert json.loads(line) == {**WANTED, "summary_hit_rate": 0.1}
    assert below == []
    _, below = verdict({**WANTED, "track_hit_rate": 0.7994})
    assert below == ["track_hit_rate is 0.799, and at least 0.80 is wanted"]
