"""Calls to the engine, with its failures as errors of the contract."""

import threading
import time
from collections.abc import Iterator

import grpc

from molmo2_contract.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    Error,
    InternalError,
    Molmo2Error,
    from_wire,
)
from molmo2_engine.client.channel import ERROR_TRAILER
from molmo2_engine.client.launch import EngineLaunch, serves
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_engine.wire import engine_pb2_grpc


class MediaNotHeld(Exception):
    """The engine does not hold the video or images; ask again with frames or pixels."""


class EngineConnection:
    """The engine of one GPU, found or started when it is first needed."""

    def __init__(self, launch: EngineLaunch) -> None:
        self._launch = launch
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None

    def describe(self, timeout: float | None = None) -> wire.Description:
        """What the engine serves; starts the engine if there is none.

        Raises:
            EngineUnavailable: if it cannot be reached or started in ``timeout`` seconds.
        """
        stub = self._stub(timeout)
        try:
            return stub.Describe(wire.DescribeRequest(), timeout=5.0)
        except grpc.RpcError as error:
            raise self._translate(error, 5.0) from None

    def metrics(self, timeout: float) -> str:
        """How the engine is doing, in Prometheus' text format.

        Raises:
            EngineUnavailable: if it cannot be reached or started in ``timeout`` seconds.
        """
        stub = self._stub(timeout)
        try:
            return stub.Metrics(wire.MetricsRequest(), timeout=timeout).exposition
        except grpc.RpcError as error:
            raise self._translate(error, timeout) from None

    def answer(self, request: wire.AnswerRequest, timeout: float) -> Iterator[wire.AnswerEvent]:
        """The events of a request, until every operation has ended. Closing it cancels the work.

        Raises:
            MediaNotHeld: if ``request`` has no frames or pixels and the engine needs them.
            Molmo2Error: any kind that the engine reports, DeadlineExceeded after ``timeout``
                seconds, EngineUnavailable if the process is lost.
        """
        deadline = time.monotonic() + timeout
        stub = self._stub(timeout)
        call = stub.Answer(request, timeout=deadline - time.monotonic())
        try:
            yield from call
        except grpc.RpcError as error:
            raise self._translate(error, timeout) from None
        finally:
            call.cancel()

    def close(self) -> None:
        with self._lock:
            if self._channel is not None:
                self._channel.close()
            self._channel = None

    def _stub(self, timeout: float | None) -> engine_pb2_grpc.EngineStub:
        with self._lock:
            if self._channel is not None and not serves(self._channel):
                self._channel.close()
                self._channel = None
            if self._channel is None:
                self._channel = self._launch.connect(timeout)
            return engine_pb2_grpc.EngineStub(self._channel)

    def _translate(self, error: grpc.RpcError, timeout: float) -> Molmo2Error | MediaNotHeld:
        for key, value in error.trailing_metadata() or ():
            if key == ERROR_TRAILER:
                return from_wire(Error.model_validate_json(value))
        match error.code():
            case grpc.StatusCode.NOT_FOUND:
                return MediaNotHeld()
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                return DeadlineExceeded(
                    f"the answer was not finished after {timeout:.1f} s; raise timeout, or lower "
                    "max_new_tokens or max_frames",
                    field="timeout",
                )
            case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
                return EngineUnavailable("the engine was lost; it is started again", retry_after=2)
            case _:
                return InternalError(f"the engine failed: {error.code()}: {error.details()}")
