"""The engine's gRPC service over a Unix socket."""

from collections.abc import Iterator

import grpc
from prometheus_client import generate_latest

from molmo2_contract.errors import InternalError, Molmo2Error
from molmo2_engine.assemble import Assembly
from molmo2_engine.listening import refuse
from molmo2_engine.loop import job as events
from molmo2_engine.request_log import CANCELLED, Line, logged
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_engine.wire import engine_pb2_grpc


class EngineService(engine_pb2_grpc.EngineServicer):
    """Each call is a thread that waits for the events of its job."""

    def __init__(self, assembly: Assembly) -> None:
        self._engine = assembly.engine
        self._admission = assembly.admission
        self._tokenizer = assembly.checkpoint.tokenizer
        self._description = assembly.description
        self._metrics = assembly.metrics

    def Describe(
        self, request: wire.DescribeRequest, context: grpc.ServicerContext
    ) -> wire.Description:
        return self._description

    def Holds(self, request: wire.HoldsRequest, context: grpc.ServicerContext) -> wire.HoldsReply:
        scheduler = self._engine.scheduler
        return wire.HoldsReply(
            held=self._engine.prefixes.holds(request.key),
            waiting=scheduler.waiting_jobs + scheduler.waiting_sequences,
        )

    def Metrics(
        self, request: wire.MetricsRequest, context: grpc.ServicerContext
    ) -> wire.MetricsReply:
        return wire.MetricsReply(exposition=generate_latest(self._metrics).decode())

    def Answer(
        self, request: wire.AnswerRequest, context: grpc.ServicerContext
    ) -> Iterator[wire.AnswerEvent]:
        with logged(request) as line:
            try:
                job = self._admission.job(request)
                if not context.add_callback(job.cancel):
                    line.outcome = CANCELLED
                    return
                if not self._engine.submit(job):
                    line.outcome = "not_held"
                    context.abort(
                        grpc.StatusCode.NOT_FOUND,
                        "the media is not held; send its frames or pixels",
                    )
                yield from self._events(job, line)
            except Molmo2Error as error:
                line.outcome = error.kind.value
                refuse(context, error)

    def _events(self, job: events.Job, line: Line) -> Iterator[wire.AnswerEvent]:
        remaining = len(job.operations)
        while remaining:
            event = job.events.get()
            if isinstance(event, events.Cancelled):
                line.outcome = CANCELLED
                return
            if isinstance(event, events.Failed):
                line.fail(event.error.kind)
            remaining -= not isinstance(event, events.Opened | events.Progressed)
            yield self._to_wire(event)

    def _to_wire(self, event: events.Event) -> wire.AnswerEvent:
        match event:
            case events.Opened(frame_numbers):
                return wire.AnswerEvent(opened=wire.Opened(frame_numbers=frame_numbers))
            case events.Progressed(index, tokens):
                progress = wire.Progress(text=self._text(tokens), generated_tokens=len(tokens))
                return wire.AnswerEvent(index=index, progress=progress)
            case events.Finished():
                return wire.AnswerEvent(index=event.index, finished=self._finished(event))
            case events.Embedded():
                return wire.AnswerEvent(index=event.index, embedded=_embedded(event))
            case events.Failed(index, error):
                failed = wire.Failed(kind=error.kind, message=error.message, field=error.field)
                return wire.AnswerEvent(index=index, failed=failed)
        raise InternalError(f"no such event: {event}")

    def _finished(self, event: events.Finished) -> wire.Finished:
        return wire.Finished(
            text=self._text(event.tokens),
            truncated=event.truncated,
            usage=wire.Usage(
                prompt_tokens=event.prompt_tokens,
                cached_tokens=event.cached_tokens,
                generated_tokens=len(event.tokens),
            ),
            timing=wire.Timing(queued=event.queued, prefill=event.prefill, decode=event.decode),
        )

    def _text(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(
            tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )


def _embedded(event: events.Embedded) -> wire.Embedded:
    frames = event.frame_vectors
    return wire.Embedded(
        vector=event.vector.tolist(),
        frame_vectors=[] if frames is None else frames.flatten().tolist(),
        usage=wire.Usage(prompt_tokens=event.prompt_tokens, cached_tokens=event.cached_tokens),
        timing=wire.Timing(queued=event.queued, prefill=event.prefill),
    )
