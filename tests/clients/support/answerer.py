"""An object that answers in the place of a server, from the request and the file that it names.

The end-to-end tests ask a real TorchServe.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from PIL import Image

from molmo2_contract.errors import Error, ErrorKind
from molmo2_contract.images import (
    ImageInfo,
    ImageOperation,
    ImagePoint,
    ImagePointingResult,
    ImageResult,
    ImagesResponse,
)
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
    FrameEmbedding,
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

MODEL = ModelInfo(name="demo", version="1.0", checkpoint="demo/checkpoint")
TIMING = RequestTiming(plan=0, decode=0, engine=0, total=0)


class Answerer:
    """Answers like a server, from the file and the operations that it is given.

    Points and tracks lie at (0.25, 0.75) of every sampled frame, or of the image, and bear the
    prompt as label. A
    prompt that begins with "nothing" finds nothing; one that begins with "fail" is that
    operation's error. ``results`` overrides an operation's result. ``meanwhile`` is called with
    the file's name while the request is under way, and may raise or wait. ``requests`` holds
    what was asked: the file's name and the operations; ``parts`` the seconds from and to which,
    ``samplings`` the ``max_frames`` and ``max_fps``.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, list[Operation]]] = []
        self.parts: list[tuple[float | None, float | None]] = []
        self.samplings: list[tuple[int | None, float | None]] = []
        self.results: dict[str, Result | ImageResult] = {}
        self.meanwhile: Callable[[str], object] = lambda name: None

    def ask(
        self,
        video: str,
        operations: list[Operation],
        *,
        timeout: float | None,
        start: float | None = None,
        end: float | None = None,
        max_frames: int | None = None,
        max_fps: float | None = None,
    ) -> Response:
        name = Path(video).name
        self.requests.append((name, operations))
        self.parts.append((start, end))
        self.samplings.append((max_frames, max_fps))
        self.meanwhile(name)
        facts = _look_at(video, start, end)
        return Response(
            model=MODEL,
            video=facts,
            results=[self.results.get(o.operation) or _result(o, facts) for o in operations],
            timing=TIMING,
            request_id=f"request-{name}",
        )

    def ask_images(
        self, images: str, operations: list[ImageOperation], *, timeout: float | None
    ) -> ImagesResponse:
        name = Path(images).name
        self.requests.append((name, operations))
        self.meanwhile(name)
        with Image.open(images) as image:
            width, height = image.size
        return ImagesResponse(
            model=MODEL,
            images=[ImageInfo(width=width, height=height)],
            results=[self.results.get(o.operation) or _image_result(o) for o in operations],
            timing=TIMING,
            request_id=f"request-{name}",
        )

    @property
    def asked(self) -> list[tuple[str, list[str]]]:
        """File and names of the operations of every request, in the order of the files."""
        return sorted((name, [o.operation for o in asked]) for name, asked in self.requests)


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


def _answer_to(prompt: str) -> dict[str, Any]:
    """What all results that have a text share."""
    if prompt.startswith("fail"):
        error = Error(kind=ErrorKind.ENGINE_UNAVAILABLE, message="the logits are not finite")
        return {"status": Status.ERROR, "error": error}
    return {
        "status": Status.EMPTY if prompt.startswith("nothing") else Status.OK,
        "text": f"an answer to {prompt}",
        "finish_reason": FinishReason.STOP,
    }


def _image_result(operation: ImageOperation) -> ImageResult:
    answer = _answer_to(getattr(operation, "prompt", ""))
    match operation:
        case Pointing():
            place = ImagePoint(image=1, id=1, x=0.25, y=0.75, label=operation.prompt)
            points = [place] if answer["status"] is Status.OK else []
            return ImagePointingResult(**answer, points=points, count=len(points))
        case Describe():
            return DescribeResult(**answer)
        case Embed():
            return EmbedResult(status=Status.OK, pooling=operation.pooling, embedding=[0.6, 0.8])


def _result(operation: Operation, video: VideoInfo) -> Result:
    prompt = getattr(operation, "prompt", "")
    answer = _answer_to(prompt)
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
            return EmbedResult(
                status=Status.OK,
                pooling=operation.pooling,
                embedding=[0.6, 0.8],
                frames=_frame_vectors(video) if operation.per_frame else [],
            )


def _frame_vectors(video: VideoInfo) -> list[FrameEmbedding]:
    """One a sampled frame, each another."""
    return [
        FrameEmbedding(time=time, frame=frame, embedding=[1.0, float(frame)])
        for time, frame in zip(video.sampled.times, video.sampled.frames, strict=True)
    ]
