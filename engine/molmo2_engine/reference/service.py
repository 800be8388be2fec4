"""The reference's end of the engine's wire."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from prometheus_client import Gauge, generate_latest

from molmo2_contract.errors import Overloaded
from molmo2_engine.listening import refuse
from molmo2_engine.reference.answering import Reference
from molmo2_engine.reference.call import Call
from molmo2_engine.reference.inputs import has_media
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_engine.wire import engine_pb2_grpc

logger = logging.getLogger(__name__)


class ReferenceService(engine_pb2_grpc.EngineServicer):
    """Calls wait for each other: one thread answers them."""

    def __init__(
        self, reference: Reference, description: wire.Description, max_waiting: int
    ) -> None:
        self._reference = reference
        self._description = description
        self._max_waiting = max_waiting
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reference")
        self._calls: set[Call] = set()
        self._publish()

    def Describe(
        self, request: wire.DescribeRequest, context: grpc.ServicerContext
    ) -> wire.Description:
        return self._description

    def Metrics(
        self, request: wire.MetricsRequest, context: grpc.ServicerContext
    ) -> wire.MetricsReply:
        return wire.MetricsReply(exposition=generate_latest(self._reference.metrics).decode())

    def Holds(self, request: wire.HoldsRequest, context: grpc.ServicerContext) -> wire.HoldsReply:
        return wire.HoldsReply(held=False, waiting=len(self._calls))

    def Answer(
        self, request: wire.AnswerRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.AnswerEvent]:
        if not has_media(request):
            context.abort(grpc.StatusCode.NOT_FOUND, "no media is held; send its frames or pixels")
        if len(self._calls) > self._max_waiting:
            refuse(context, Overloaded(f"{self._max_waiting} requests wait", retry_after=5))
        call = Call(request)
        if not context.add_callback(call.cancelled.set):
            return
        self._calls.add(call)
        self._thread.submit(self._answer, call)
        while (event := call.events.get()) is not None:
            yield event

    def _answer(self, call: Call) -> None:
        try:
            if not call.cancelled.is_set():
                self._reference.answer(call)
        except Exception:
            logger.exception("a request failed")
        finally:
            self._calls.discard(call)
            call.events.put(None)

    def _publish(self) -> None:
        """Those of the engine's metrics that mean something here."""

        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"molmo2_engine_{name}", text, registry=self._reference.metrics)

        gauge("max_sequences", "Operations that may generate").set(1)
        running = gauge("running_sequences", "Operations that generate")
        running.set_function(lambda: min(1, len(self._calls)))
        waiting = gauge("waiting_requests", "Wait for their turn")
        waiting.set_function(lambda: max(0, len(self._calls) - 1))
        stalled = gauge("stalled_seconds", "Since the last token of the answer in hand")
        stalled.set_function(self._reference.stalled_for)
