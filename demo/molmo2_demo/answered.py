"""What was answered about held-out videos, against their truth."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from molmo2_contract.results import (
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    PointingResult,
    Result,
    TemporalLocalizationResult,
    TrackingResult,
)
from molmo2_demo.held_out import HeldOutVideo
from molmo2_demo.score import Tally, score_points, score_tracks
from molmo2_demo.truth import Truth
from molmo2_demo.words import names_every_shape, score_events

WANTED = {
    "point_hit_rate": 0.90,
    "track_hit_rate": 0.80,
    "event_hit_rate": 0.80,
    "description_hit_rate": 0.80,
}
"""The least that the demonstration model is to reach."""


@dataclass(frozen=True)
class Answered:
    """The tallies of one video, or of many.

    ``summary``, ``object`` and ``analysis_event`` are parts of the whole-video analysis.
    """

    point: Tally = field(default_factory=Tally)
    track: Tally = field(default_factory=Tally)
    event: Tally = field(default_factory=Tally)
    description: Tally = field(default_factory=Tally)
    summary: Tally = field(default_factory=Tally)
    object: Tally = field(default_factory=Tally)
    analysis_event: Tally = field(default_factory=Tally)

    @classmethod
    def of(cls, video: HeldOutVideo, results: Sequence[Result]) -> "Answered":
        """``results``: of ``video.operations``."""
        one_point, points, one_track, tracks, events, description, analysis, _ = results
        assert isinstance(events, TemporalLocalizationResult)
        assert isinstance(description, DescribeResult)
        assert isinstance(analysis, ComprehensiveResult)
        scene, true_events = video.all.scene, video.all.events
        found = analysis.analysis
        return cls(
            point=_points(one_point, video.one) + _points(points, video.all),
            track=_tracks(one_track, video.one) + _tracks(tracks, video.all),
            event=score_events(events.events, true_events),
            description=_one(names_every_shape(description.text, scene)),
            summary=_one(names_every_shape((found and found.summary) or "", scene)),
            object=score_events(found.objects if found else (), true_events),
            analysis_event=score_events(found.events if found else (), true_events),
        )

    def __add__(self, other: "Answered") -> "Answered":
        return Answered(
            **{
                each.name: getattr(self, each.name) + getattr(other, each.name)
                for each in fields(self)
            }
        )

    def rates(self) -> dict[str, float]:
        """From 0 to 1, by ``point_hit_rate`` and so on."""
        return {f"{each.name}_hit_rate": getattr(self, each.name).rate for each in fields(self)}


def score_vectors(videos: Sequence[Result], copies: Sequence[Result]) -> Tally:
    """A hit is a video whose own copy is the most alike of the copies of all; of ``embed``."""
    size = max(len(_vector(each)) for each in (*videos, *copies))
    vectors, others = (
        np.array([_vector(each) or [0.0] * size for each in side]) for side in (videos, copies)
    )
    alike = vectors @ others.T
    own = np.arange(len(videos))
    right = (alike.argmax(1) == own) & (alike[own, own] > 0)
    return sum((_one(bool(each)) for each in right), Tally())


def verdict(rates: dict[str, float]) -> tuple[str, list[str]]:
    """The rates as one JSON object, and what is below ``WANTED``."""
    rounded = {name: round(rate, 3) for name, rate in rates.items()}
    below = [
        f"{name} is {rounded[name]:.3f}, and at least {least:.2f} is wanted"
        for name, least in WANTED.items()
        if rounded[name] < least
    ]
    return json.dumps(rounded), below


def _points(result: Result, truth: Truth) -> Tally:
    assert isinstance(result, PointingResult)
    return score_points(result.points, truth.tracks)


def _tracks(result: Result, truth: Truth) -> Tally:
    assert isinstance(result, TrackingResult)
    return score_tracks([track.points for track in result.tracks], truth.tracks)


def _vector(result: Result) -> list[float]:
    assert isinstance(result, EmbedResult)
    return result.embedding


def _one(right: bool) -> Tally:
    return Tally(int(right), 1, 1, 1)
