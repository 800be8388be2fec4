"""From a valid request to the events that answer it; knows nothing of TorchServe."""

import logging
import time
from collections.abc import Iterator

from molmo2_contract.errors import InternalError, Molmo2Error
from molmo2_contract.events import Done, Event, OperationDone, Progress
from molmo2_contract.operations import Embed, Operation
from molmo2_contract.request import Request
from molmo2_contract.response import ModelInfo, Response
from molmo2_contract.results import Result
from molmo2_contract.video import VideoInfo
from molmo2_engine.client import EngineConnection, MediaNotHeld
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_handler.answers import ProgressReader
from molmo2_handler.engine_messages import failed_result, to_engine, to_result
from molmo2_handler.frame_source import FROM_VIDEO, FrameSource
from molmo2_handler.request_clock import RequestClock
from molmo2_handler.video import OpenVideo, VideoLimits, open_video

logger = logging.getLogger(__name__)


class Answerer:
    """Answers requests with one engine."""

    def __init__(
        self,
        engine: EngineConnection,
        limits: VideoLimits,
        frame_size: int,
        model: ModelInfo,
        source: FrameSource = FROM_VIDEO,
    ) -> None:
        self._engine = engine
        self._limits = limits
        self._frame_size = frame_size
        self._model = model
        self._source = source

    def respond(self, request: Request, body: bytes | None, request_id: str) -> Response:
        """The whole answer at once. Raises what ``events`` raises."""
        results: dict[int, Result] = {}
        for event in self.events(request, body, request_id):
            if isinstance(event, OperationDone):
                results[event.index] = event.result
        assert isinstance(event, Done)
        return Response(
            model=event.model,
            video=event.video,
            results=[results[index] for index in range(len(request.operations))],
            timing=event.timing,
            request_id=request_id,
        )

    def events(self, request: Request, body: bytes | None, request_id: str) -> Iterator[Event]:
        """Progress (if the request streams), each operation's result, and ``Done`` last.

        Once an operation has its result, a failure of the request is one of the others alone.

        Raises:
            Molmo2Error: if the request fails before any result.
        """
        clock = RequestClock(request.timeout)
        with open_video(request.video, body, self._limits, clock.deadline) as video:
            answer = _Answer(request, self._source.info(video, self._frame_size))
            clock.planned()
            try:
                times = answer.video.sampled.times
                for event in self._ask(request, video, times, clock, request_id):
                    yield from answer.take(event)
            except Molmo2Error as error:
                if answer.untouched:
                    raise
                yield from answer.fail(error)
        yield Done(
            model=self._model, video=answer.video, timing=clock.timing(), request_id=request_id
        )

    def _ask(
        self,
        request: Request,
        video: OpenVideo,
        times: list[float],
        clock: RequestClock,
        request_id: str,
    ) -> Iterator[wire.AnswerEvent]:
        """Asks without frames first: the engine may hold the video."""
        message = wire.AnswerRequest(
            request_id=request_id,
            video=wire.Video(key=video.key, times=times),
            operations=[to_engine(operation) for operation in request.operations],
            progress=request.stream,
        )
        try:
            yield from self._engine.answer(message, clock.remaining())
        except MediaNotHeld:
            began = time.monotonic()
            decoded = self._source.frames(video, self._frame_size)
            message.video.frames = decoded.images.tobytes()
            message.video.frame_numbers.extend(decoded.numbers)
            clock.decoded(time.monotonic() - began)
            yield from self._engine.answer(message, clock.remaining())


class _Answer:
    """What has been answered of one request."""

    def __init__(self, request: Request, video: VideoInfo) -> None:
        self.video = video
        self._open = dict(enumerate(request.operations))
        self._count = len(self._open)
        self._readers: dict[int, ProgressReader] = {}

    @property
    def untouched(self) -> bool:
        return len(self._open) == self._count

    def take(self, event: wire.AnswerEvent) -> Iterator[Event]:
        """The events of the contract that an event of the engine stands for."""
        match event.WhichOneof("event"):
            case "opened":
                frames = list(event.opened.frame_numbers)
                sampled = self.video.sampled.model_copy(update={"frames": frames})
                self.video = self.video.model_copy(update={"sampled": sampled})
            case "progress":
                yield self._progress(event.index, event.progress)
            case _:
                operation = self._open.pop(event.index)
                yield OperationDone(index=event.index, result=self._result(operation, event))

    def fail(self, error: Molmo2Error) -> Iterator[Event]:
        """Results for the operations that have none."""
        for index, operation in self._open.items():
            yield OperationDone(index=index, result=failed_result(operation, error.to_wire()))

    def _result(self, operation: Operation, event: wire.AnswerEvent) -> Result:
        try:
            return to_result(operation, event, self.video)
        except Exception as error:
            logger.exception("an answer to %s could not be read", operation.operation)
            message = f"the answer could not be read: {type(error).__name__}: {error}"
            return failed_result(operation, InternalError(message).to_wire())

    def _progress(self, index: int, progress: wire.Progress) -> Progress:
        operation = self._open[index]
        assert not isinstance(operation, Embed)
        try:
            reader = self._readers.setdefault(index, ProgressReader(operation, self.video))
            points = reader.feed(progress.text)
        except Exception:
            logger.exception("the progress of %s could not be read", operation.operation)
            points = []
        return Progress(index=index, generated_tokens=progress.generated_tokens, points=points)
