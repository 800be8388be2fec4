"""A TorchServe handler for tests of the transport: it answers what ``echo`` computes.

The first ``describe`` prompt of a request may ask for trouble:

    sleep S        answers after S seconds, or with deadline_exceeded at the request's timeout
    hang S         answers after S seconds, whatever the timeout
    refuse KIND    answers with an error of that kind, before any event
    fail KIND      streams one event, then the error
    cut            streams one event, then ends the stream without its last event
    nonsense       answers with something that is no JSON
    raise          raises an exception
    die            ends the worker process
"""

import os
import time
from typing import Any

import echo  # beside this file in the archive
from ts.handler_utils.utils import send_intermediate_predict_response

from molmo2_contract.errors import (
    DeadlineExceeded,
    Error,
    ErrorKind,
    InvalidRequest,
    Molmo2Error,
    from_wire,
)
from molmo2_contract.events import Done, Failed, OperationDone, Progress
from molmo2_contract.request import InfoRequest, Request, parse_request
from molmo2_contract.response import ErrorResponse, Response


class EchoHandler:
    """One request at a time, over HTTP or gRPC, answered plainly or streamed."""

    def initialize(self, context: Any) -> None:
        """Nothing to load."""

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[str]:
        parts = data[0]
        self.context = context
        self.http = "explain" in context.get_all_request_header(0)  # only its HTTP side adds it
        self.streams_over_grpc = bytes(parts.get("call", b"")) == b"stream"
        try:
            request = parse_request(parts.get("body", parts.get("request", b"")))
            return self.answer(request, parts.get("video"))
        except Molmo2Error as error:
            return self.body(ErrorResponse(error=error.to_wire()), error.http_status)

    def answer(self, request: Request | InfoRequest, video: bytes | None) -> list[str]:
        if isinstance(request, InfoRequest):
            return self.body(echo.SERVER)
        if not self.http and request.stream != self.streams_over_grpc:
            raise InvalidRequest("the call and the request's 'stream' differ")
        results = [echo.result(asked, request, video) for asked in request.operations]
        trouble = _trouble(request)
        self.make(trouble, request)
        if trouble == ["nonsense"]:
            return self.text("nonsense")
        if request.stream:
            return self.stream(request, results, trouble)
        return self.body(
            Response(
                model=echo.MODEL,
                video=echo.video_info(request),
                results=results,
                timing=echo.TIMING,
                request_id=request.request_id or "none",
            )
        )

    def make(self, trouble: list[str], request: Request) -> None:
        match trouble:
            case ["sleep", seconds]:
                time.sleep(min(float(seconds), request.timeout))
                if float(seconds) > request.timeout:
                    raise DeadlineExceeded(f"timeout: {request.timeout} s passed")
            case ["hang", seconds]:
                time.sleep(float(seconds))
            case ["refuse", kind]:
                raise _error(kind)
            case ["raise"]:
                raise ValueError("as asked")
            case ["die"]:
                os._exit(3)

    def stream(self, request: Request, results: list[Any], trouble: list[str]) -> list[str]:
        self.context.set_response_content_type(0, "text/event-stream")
        self.send(Progress(index=0, generated_tokens=1))
        match trouble:
            case ["cut"]:
                return [""]
            case ["fail", kind]:
                self.send(Failed(error=_error(kind).to_wire(), request_id=request.request_id))
                return [""]
        for index, result in enumerate(results):
            self.send(OperationDone(index=index, result=result))
        end = Done(
            model=echo.MODEL,
            video=echo.video_info(request),
            timing=echo.TIMING,
            request_id=request.request_id or "none",
        )
        return [self.framed(end)]

    def send(self, event: Any) -> None:
        ids = self.context.request_ids
        send_intermediate_predict_response([self.framed(event)], ids, "ok", 200, self.context)

    def framed(self, event: Any) -> str:
        document = event.model_dump_json()
        return f"data: {document}\n\n" if self.http else document

    def body(self, model: Any, status: int = 200) -> list[str]:
        if status != 200:
            self.context.set_response_status(code=status, phrase="refused", idx=0)
        return self.text(model.model_dump_json())

    def text(self, text: str) -> list[str]:
        self.context.set_response_content_type(0, "application/json")
        if not self.http:  # lets StreamPredictions end on a plain answer; HTTP would wait for ever
            self.context.set_response_header(0, "ts_stream_next", "false")
        return [text]


def _trouble(request: Request) -> list[str]:
    prompts = [asked.prompt for asked in request.operations if asked.operation == "describe"]
    return prompts[0].split() if prompts else []


def _error(kind: str) -> Molmo2Error:
    return from_wire(Error(kind=ErrorKind(kind), message=f"{kind}, as asked", retry_after=0.5))
