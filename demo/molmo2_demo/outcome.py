"""What a run of the demo found, measured against the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from molmo2_demo.answers import Answers
from molmo2_demo.score import Tally, json_share, score_points, score_tracks
from molmo2_demo.truth import Truth

Transport = Literal["http", "grpc"]

_JSON_OPERATIONS = ("temporal_localization", "comprehensive")


@dataclass(frozen=True)
class VideoOutcome:
    """The answers about one video beside its truth."""

    transport: Transport
    truth: Truth
    answers: Answers

    @property
    def results(self) -> int:
        """How many of the operations asked have an answer."""
        return sum(self.status(asked.operation) != "error" for asked in self.truth.operations)

    @property
    def errors(self) -> int:
        return len(self.truth.operations) - self.results

    @property
    def points(self) -> Tally:
        return score_points(self.answers.points, self.truth.tracks)

    @property
    def tracks(self) -> Tally:
        return score_tracks(self.answers.tracks, self.truth.tracks)

    def status(self, operation: str) -> str:
        """The operation's status; "error" too where nothing was written about it."""
        return self.answers.statuses.get(operation, "error")


@dataclass(frozen=True)
class Outcome:
    """All videos of a run, which took ``seconds`` from the first frame to the last stop."""

    dataset: str
    videos: Sequence[VideoOutcome]
    seconds: float

    @property
    def results(self) -> int:
        return sum(video.results for video in self.videos)

    @property
    def errors(self) -> int:
        return sum(video.errors for video in self.videos)

    @property
    def points(self) -> Tally:
        return sum((video.points for video in self.videos), Tally())

    @property
    def tracks(self) -> Tally:
        return sum((video.tracks for video in self.videos), Tally())

    @property
    def json_valid(self) -> float:
        """The share of the answers asked for as JSON that are JSON."""
        return json_share(
            video.answers.texts.get(operation, "")
            for video in self.videos
            for operation in _JSON_OPERATIONS
        )

    def results_over(self, transport: Transport) -> int:
        return sum(video.results for video in self.videos if video.transport == transport)

    def summary(self) -> dict[str, Any]:
        """Everything in numbers; rates and seconds are rounded."""
        return {
            "videos": len(self.videos),
            "results": self.results,
            "errors": self.errors,
            "http": self.results_over("http"),
            "grpc": self.results_over("grpc"),
            "json_valid": round(self.json_valid, 3),
            "point_hit_rate": round(self.points.rate, 3),
            "track_hit_rate": round(self.tracks.rate, 3),
            "seconds": round(self.seconds, 1),
            "dataset": self.dataset,
        }
