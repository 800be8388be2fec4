"""A small HTTP server that answers as the contract says, about the frames of real files."""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from small_videos import frame_begins, on_display

from molmo2_contract.errors import VideoUnreadable
from molmo2_contract.operations import (
    Embed,
    Operation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.request import Request, parse_request
from molmo2_contract.response import ErrorResponse, ModelInfo, RequestTiming, Response
from molmo2_contract.results import (
    DescribeResult,
    EmbedResult,
    Event,
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


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Says nothing of connections whose other end was killed."""
        if not isinstance(sys.exception(), ConnectionError):
            raise


class ContractServer:
    """Answers requests over HTTP as the contract says, about files that their URIs name.

    What it says is drawn at random from the file's name and the question, so that it is the same
    whenever it is asked; where it says it is the file's: it samples the frames on display at every
    half second and at the end. ``asked`` and ``answered`` hold the files' names in their order,
    ``requests`` what was asked about them, ``responses`` each response with the request's start
    and end. ``hold`` is how many seconds an answer takes. While ``away``, it answers as a gateway
    does behind which nothing serves.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answered: list[str] = []
        self.requests: list[Request] = []
        self.responses: dict[tuple[str, float, float | None], Response] = {}
        self.failing: set[str] = set()
        self.hold = 0.0
        self.away = False
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                document = self.rfile.read(length)
                if len(document) < length:
                    return  # the client was killed in the middle
                status, body, done = answer(parse_request(document))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(ConnectionError):  # the client was killed
                    self.wfile.write(body)
                    done()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _answer(self, request: Request) -> tuple[int, bytes, Callable[[], None]]:
        if self.away:
            return 503, b"", lambda: None
        path = Path(os.fsdecode(unquote_to_bytes(urlsplit(request.video.uri).path)))
        self.asked.append(path.name)
        self.requests.append(request)
        time.sleep(self.hold)
        if path.name in self.failing:
            error = ErrorResponse(error=VideoUnreadable("no video").to_wire())
            return 422, error.model_dump_json().encode(), lambda: None
        response = respond(request, path)
        self.responses[path.name, request.video.start, request.video.end] = response
        return 200, response.model_dump_json().encode(), lambda: self.answered.append(path.name)


def respond(request: Request, path: Path) -> Response:
    """The response of ``ContractServer``."""
    begins = frame_begins(path)
    start = Fraction(request.video.start)
    end = min(begins[-1], Fraction(request.video.end or begins[-1]))
    times = [start + Fraction(half, 2) for half in range(int((end - start) * 2) + 1)]
    times = sorted({*(time for time in times if time < end), end})
    frames = [on_display(begins, time) for time in times]
    places = list(zip(map(float, times), frames, strict=True))
    results = [
        _drawn(operation, places, Random(f"{path.name!a} {places} {operation!r}"), begins)
        for operation in request.operations
    ]
    return Response(
        model=ModelInfo(name="drawn", version="1.0", checkpoint="none"),
        video=VideoInfo(
            width=64,
            height=48,
            duration=float(begins[-1]),
            frame_rate=float((len(begins) - 1) / begins[-1]),
            frame_count=len(begins) - 1,
            variable_frame_rate=len({b - a for a, b in pairwise(begins)}) > 2,
            sampled=Sampled(times=[time for time, _ in places], frames=frames),
        ),
        results=results,
        timing=RequestTiming(plan=0, decode=0, engine=0, total=0),
        request_id=f"about {path.name!a}",
    )


def _drawn(
    operation: Operation,
    places: list[tuple[float, int]],
    chance: Random,
    begins: list[Fraction],
) -> Result:
    def position(time: float, frame: int) -> Position:
        return Position(time=time, frame=frame, x=chance.random(), y=chance.random())

    def some() -> list[Position]:
        return [position(*place) for place in places if chance.random() < 0.6]

    status = {"status": Status.OK}
    match operation:
        case Pointing():
            found = [point for _ in range(2) for point in some()]
            points = [Point(**vars(p), id=i, label=operation.prompt) for i, p in enumerate(found)]
            return PointingResult(points=points, count=len(points), text="points", **status)
        case Tracking():
            tracks = [Track(id=i, label=operation.prompt, points=some()) for i in range(1, 4)]
            return TrackingResult(tracks=tracks, text="tracks", **status)
        case TemporalLocalization():
            spans = [sorted(chance.uniform(0, float(begins[-1])) for _ in "ab") for _ in "abc"]
            return TemporalLocalizationResult(
                events=[
                    Event(
                        start=start,
                        end=end,
                        start_frame=on_display(begins, Fraction(start)),
                        end_frame=on_display(begins, Fraction(end)),
                        description=f"from {start} to {end}",
                    )
                    for start, end in spans
                ],
                text="events",
                **status,
            )
        case Embed():
            vector = [chance.uniform(-1, 1) for _ in range(8)]
            frames = [
                FrameEmbedding(time=time, frame=frame, embedding=vector) for time, frame in places
            ]
            return EmbedResult(
                pooling=operation.pooling,
                embedding=vector,
                frames=frames if operation.per_frame else [],
                **status,
            )
        case _:
            return DescribeResult(text=f"{chance.random()}", **status)
