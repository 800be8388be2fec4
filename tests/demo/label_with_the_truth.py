"""Labels rendered videos with a client that knows the truth; prints the outcomes as JSON.

Run as a process of its own: FiftyOne keeps one database a process.

    python label_with_the_truth.py FOLDER
"""

import json
import sys
from pathlib import Path

from molmo2_client.fiftyone.database import private_database
from molmo2_contract.errors import InternalError
from molmo2_contract.operations import Comprehensive, Describe, Embed, Pointing, Tracking
from molmo2_contract.response import ModelInfo, RequestTiming, Response
from molmo2_contract.results import (
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    Point,
    PointingResult,
    Position,
    Status,
    TemporalLocalizationResult,
    Track,
    TrackingResult,
)
from molmo2_contract.video import Sampled, VideoInfo
from molmo2_demo.dataset import make_dataset
from molmo2_demo.demo import label
from molmo2_demo.generate import generate
from molmo2_demo.outcome import Outcome
from molmo2_demo.truth import Truth


class Truthful:
    """Answers from the truth beside the video; fails for the videos named."""

    def __init__(self, *failing):
        self.failing = failing

    def ask(self, video, operations, *, timeout=None):
        path = Path(video)
        if path.name in self.failing:
            raise InternalError("this one fails")
        truth = Truth.read(path.with_suffix(".json"))
        seen = {point.frame: point.time for track in truth.tracks for point in track.points}
        return Response(
            model=ModelInfo(name="truth", version="1.0", checkpoint="none"),
            video=VideoInfo(
                width=truth.width,
                height=truth.height,
                duration=truth.duration,
                frame_rate=truth.frame_rate,
                frame_count=truth.frame_count,
                variable_frame_rate=truth.variable_frame_rate,
                sampled=Sampled(times=list(seen.values()), frames=list(seen)),
            ),
            results=[_result(operation, truth) for operation in operations],
            timing=RequestTiming(plan=0, decode=0, engine=0, total=0),
            request_id=path.stem,
        )


def _result(operation, truth):
    tracks = [[Position(**vars(point)) for point in track.points] for track in truth.tracks]
    match operation:
        case Pointing():
            assert operation.prompt == truth.prompt
            points = [
                Point(**vars(track[0]), id=number, label=operation.prompt)
                for number, track in enumerate(tracks, start=1)
            ]
            return PointingResult(status=Status.OK, points=points, count=len(points))
        case Tracking():
            assert operation.prompt == truth.prompt
            found = [
                Track(id=number, label=operation.prompt, points=track)
                for number, track in enumerate(tracks, start=1)
            ]
            return TrackingResult(status=Status.OK, tracks=found)
        case Describe():
            return DescribeResult(status=Status.OK, text="Shapes move.")
        case Comprehensive():
            return ComprehensiveResult(status=Status.OK, text="{}", analysis=Analysis())
        case Embed():
            return EmbedResult(status=Status.OK, pooling=operation.pooling, embedding=[0.6, 0.8])
        case _:
            return TemporalLocalizationResult(status=Status.OK, text="[")


def main(folder):
    videos = generate(folder / "videos", count=4, seed=0)
    with private_database(folder / "database"):
        dataset = make_dataset(videos)
        http = label(dataset, videos[:2], "http", Truthful())
        grpc = label(dataset, videos[2:], "grpc", Truthful("03.mp4"))
        tags = dataset.sort_by("filepath").values("tags")
        true_labels = dataset.count("frames.truth.keypoints")
        interpolated = dataset.count_values("frames.molmo2_tracks.keypoints.interpolated")
    outcomes = {
        "perfect": Outcome("demo", [*http, *grpc[:1]], 0.0).summary(),
        "all": Outcome("demo", [*http, *grpc], 0.0).summary(),
        "tags": tags,
        "true_labels": true_labels,
        "interpolated": interpolated[True],
        "expected": sum(len(track.points) for video in videos for track in video.truth.tracks),
    }
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
