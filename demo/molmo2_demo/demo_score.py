"""How well the demonstration model does on held-out videos, through the real server.

    make demo-score

The last line is one JSON object.
"""

import json
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from molmo2_client import Molmo2, Molmo2Error
from molmo2_client.serving import Ports, ServeOptions, ServerFailed, running_server
from molmo2_contract.results import (
    DescribeResult,
    PointingResult,
    Result,
    TemporalLocalizationResult,
    TrackingResult,
)
from molmo2_demo.held_out import MOST_SHAPES, HeldOutVideo, render_held_out
from molmo2_demo.score import Tally, score_points, score_tracks
from molmo2_demo.truth import Truth
from molmo2_demo.words import names_every_shape, score_events

CONCURRENCY = 4


@dataclass(frozen=True)
class Answered:
    """The tallies of one video, or of many."""

    points: Tally = field(default_factory=Tally)
    tracks: Tally = field(default_factory=Tally)
    events: Tally = field(default_factory=Tally)
    descriptions: Tally = field(default_factory=Tally)

    @classmethod
    def of(cls, video: HeldOutVideo, results: Sequence[Result]) -> "Answered":
        """``results``: of ``video.operations``."""
        one_point, points, one_track, tracks, events, description = results
        assert isinstance(events, TemporalLocalizationResult)
        assert isinstance(description, DescribeResult)
        right = int(names_every_shape(description.text, video.all.scene))
        return cls(
            points=_points(one_point, video.one) + _points(points, video.all),
            tracks=_tracks(one_track, video.one) + _tracks(tracks, video.all),
            events=score_events(events.events, video.all.events),
            descriptions=Tally(right, 1, 1, 1),
        )

    def __add__(self, other: "Answered") -> "Answered":
        return Answered(
            self.points + other.points,
            self.tracks + other.tracks,
            self.events + other.events,
            self.descriptions + other.descriptions,
        )


def score(archive: Path, folder: Path, count: int, seed: int) -> list[tuple[int, Answered]]:
    """Serves ``archive`` and asks about ``count`` videos; shapes and tallies of each.

    Raises:
        ServerFailed: the server did not start.
        Molmo2Error: a request failed as a whole.
    """
    _tell(f"rendering {count} videos")
    videos = render_held_out(folder / "videos", count, seed)
    options = ServeOptions(
        model_store=archive.parent,
        models=[archive.stem],
        run_directory=folder / "server",
        ports=Ports.unused(),
        allowed_roots=[folder / "videos"],
    )
    with (
        running_server(options, _tell) as server,
        Molmo2(server.http_url, model=archive.stem, key_file=server.key_file) as molmo2,
        ThreadPoolExecutor(CONCURRENCY) as pool,
    ):

        def ask(video: HeldOutVideo) -> tuple[int, Answered]:
            response = molmo2.ask(video.path, video.operations, timeout=600.0)
            return len(video.all.scene.shapes), Answered.of(video, response.results)

        return list(pool.map(ask, videos))


def main(
    archive: Annotated[Path, typer.Argument(help="An archive of the model.")],
    folder: Annotated[Path, typer.Option(help="Keeps videos and logs.")] = Path("run/score"),
    count: Annotated[int, typer.Option(min=MOST_SHAPES, help="How many videos.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed, other videos.")] = 0,
) -> None:
    """Scores points, tracks, events and descriptions of held-out videos."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        answered = score(archive.resolve(), folder.resolve(), count, seed)
    except (ServerFailed, Molmo2Error) as error:
        sys.exit(str(error))
    Console().print(_table(answered))
    total = sum((each for _, each in answered), Answered())
    print(
        json.dumps(
            {
                "point_hit_rate": round(total.points.rate, 3),
                "track_hit_rate": round(total.tracks.rate, 3),
                "event_hit_rate": round(total.events.rate, 3),
                "description_hit_rate": round(total.descriptions.rate, 3),
            }
        )
    )


def _points(result: Result, truth: Truth) -> Tally:
    assert isinstance(result, PointingResult)
    return score_points(result.points, truth.tracks)


def _tracks(result: Result, truth: Truth) -> Tally:
    assert isinstance(result, TrackingResult)
    return score_tracks([track.points for track in result.tracks], truth.tracks)


def _table(answered: Sequence[tuple[int, Answered]]) -> Table:
    table = Table("shapes", "videos", "points", "tracks", "events", "descriptions")
    for shapes in range(1, MOST_SHAPES + 1):
        found = [each for count, each in answered if count == shapes]
        total = sum(found, Answered())
        tallies = (total.points, total.tracks, total.events, total.descriptions)
        table.add_row(str(shapes), str(len(found)), *(f"{tally.rate:.3f}" for tally in tallies))
    return table


def _tell(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    typer.run(main)
