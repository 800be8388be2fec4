"""A real MongoDB, real mp4 files, and an object that answers in the place of a server.

The answers are computed from the request and from the file that it names, in this process; the
end-to-end tests ask a real TorchServe.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from molmo2_client.fiftyone.database import private_database
from molmo2_contract.errors import Error, ErrorKind
from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    Embed,
    Operation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.response import ModelInfo, RequestTiming, Response
from molmo2_contract.results import (
    Analysis,
    ComprehensiveResult,
    DescribeResult,
    EmbedResult,
    Event,
    FinishReason,
    Point,
    PointingResult,
    Position,
    Result,
    Status,
    TemporalLocalizationResult,
    Track,
    TrackingResult,
)
from molmo2_contract.video import Sampled, VideoInfo

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # FiftyOne's dependencies deprecate each other on import
    import fiftyone as fo

FRAMES = 20
RATE = 10


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    running = private_database(tmp_path_factory.mktemp("mongo"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mongoengine warns of a default when FiftyOne connects
        uri = running.__enter__()
    yield uri
    running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve clips of 2 s at 10 frames a second, each of another grey."""
    folder = tmp_path_factory.mktemp("videos")
    return [_render(folder / f"{i:02d}.mp4", grey=20 * i) for i in range(12)]


def _render(path: Path, *, grey: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        picture = np.full((48, 64, 3), grey, dtype=np.uint8)
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def make_dataset(database: str, videos: list[Path]) -> Iterator[Callable[..., fo.Dataset]]:
    """Makes a dataset of the first ``count`` clips; keywords are fields, one value a sample."""
    made: list[fo.Dataset] = []

    def make(count: int = 2, **fields: Sequence[Any]) -> fo.Dataset:
        dataset = fo.Dataset()
        made.append(dataset)
        dataset.add_samples([fo.Sample(filepath=str(p)) for p in videos[:count]], progress=False)
        for name, values in fields.items():
            dataset.set_values(name, list(values))
        return dataset

    yield make
    for dataset in made:
        dataset.delete()


class Answerer:
    """Answers like a server, from the file and the operations that it is given.

    Points and tracks lie at (0.25, 0.75) of every sampled frame and bear the prompt as label. A
    prompt that begins with "nothing" finds nothing; one that begins with "fail" is that
    operation's error. ``results`` overrides an operation's result. ``meanwhile`` is called with
    the file's name while the request is under way, and may raise or wait. ``requests`` holds
    what was asked: the file's name and the operations; ``parts`` the seconds from and to which.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[Operation]]] = []
        self.parts: list[tuple[float | None, float | None]] = []
        self.results: dict[str, Result] = {}
        self.meanwhile: Callable[[str], object] = lambda name: None

    def ask(
        self,
        video: str,
        operations: list[Operation],
        *,
        timeout: float | None,
        start: float | None = None,
        end: float | None = None,
    ) -> Response:
        name = Path(video).name
        self.requests.append((name, operations))
        self.parts.append((start, end))
        self.meanwhile(name)
        facts = _look_at(video, start, end)
        return Response(
            model=ModelInfo(name="demo", version="1.0", checkpoint="demo/checkpoint"),
            video=facts,
            results=[self.results.get(o.operation) or _result(o, facts) for o in operations],
            timing=RequestTiming(plan=0, decode=0, engine=0, total=0),
            request_id=f"request-{name}",
        )

    @property
    def asked(self) -> list[tuple[str, list[str]]]:
        """File and names of the operations of every request, in the order of the files."""
        return sorted((name, [o.operation for o in asked]) for name, asked in self.requests)


@pytest.fixture
def answerer() -> Answerer:
    return Answerer()


def _look_at(video: str, start: float | None, end: float | None) -> VideoInfo:
    """What the file says, and up to four frames of it, the first and the last among them."""
    with av.open(video) as container:
        stream = container.streams.video[0]
        count, rate = stream.frames, float(stream.average_rate)
        first = 0 if start is None else int(start * rate)
        last = count - 1 if end is None else int(end * rate)
        length = last - first + 1
        sampled = sorted({1 + first + share * length // 3 for share in range(3)} | {1 + last})
        return VideoInfo(
            width=stream.width,
            height=stream.height,
            duration=count / rate,
            frame_rate=rate,
            frame_count=count,
            variable_frame_rate=False,
            sampled=Sampled(times=[(f - 1) / rate for f in sampled], frames=sampled),
        )


def _result(operation: Operation, video: VideoInfo) -> Result:
    prompt = getattr(operation, "prompt", "")
    answer: dict[str, Any] = {
        "status": Status.EMPTY if prompt.startswith("nothing") else Status.OK,
        "text": f"an answer to {prompt}",
        "finish_reason": FinishReason.STOP,
    }
    if prompt.startswith("fail"):
        error = Error(kind=ErrorKind.ENGINE_UNAVAILABLE, message="the logits are not finite")
        answer = {"status": Status.ERROR, "error": error}
    found = answer["status"] is Status.OK
    places = [
        Position(time=time, frame=frame, x=0.25, y=0.75)
        for time, frame in zip(video.sampled.times, video.sampled.frames, strict=True)
        if found
    ]
    event = Event(start=0, end=1, start_frame=1, end_frame=11, description="it moves")
    match operation:
        case Pointing():
            points = [Point(**vars(p), id=i, label=prompt) for i, p in enumerate(places, 1)]
            return PointingResult(**answer, points=points, count=len(points))
        case Tracking():
            tracks = [Track(id=i, label=prompt, points=places) for i in (1, 2) if found]
            return TrackingResult(**answer, tracks=tracks)
        case Describe():
            return DescribeResult(**answer)
        case TemporalLocalization():
            return TemporalLocalizationResult(**answer, events=[event])
        case Comprehensive():
            analysis = Analysis(summary="a grey clip", objects=[event], events=[event])
            return ComprehensiveResult(**answer, analysis=analysis)
        case Embed():
            return EmbedResult(status=Status.OK, pooling=operation.pooling, embedding=[0.6, 0.8])
