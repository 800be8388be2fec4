"""What a reference process does once it holds its lock: load, generate once, and serve."""

import logging
import signal
import threading
from pathlib import Path

import torch

from molmo2_engine.devices import gpus_held
from molmo2_engine.heartbeat import Heartbeat
from molmo2_engine.listening import serve
from molmo2_engine.lost_threads import end_with_lost_threads
from molmo2_engine.prompt.formats import FrameFormat
from molmo2_engine.reference import released
from molmo2_engine.reference.answering import Reference
from molmo2_engine.reference.call import Call
from molmo2_engine.reference.service import ReferenceService
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire

logger = logging.getLogger(__name__)

_SECONDS_TO_FINISH = 5.0


def run(settings: EngineSettings, heartbeat: Heartbeat) -> None:
    """Serves until SIGTERM or SIGINT; the lock must be held.

    Raises:
        NotReleasedCode: if the checkpoint or the environment is not the reference's.
        GpuTaken: if an engine holds the GPU.
    """
    with gpus_held(settings):
        _serve(settings, heartbeat)


def _serve(settings: EngineSettings, heartbeat: Heartbeat) -> None:
    end_with_lost_threads()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    checkpoint = released.load(settings)
    reference = Reference(checkpoint, settings)
    description = _describe(checkpoint, reference, settings)
    _generate_once(reference, description.frame_size)
    service = ReferenceService(reference, description, settings.max_waiting_requests)
    server, report = serve(service, settings.socket, 2 * settings.max_waiting_requests)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    heartbeat.serves(
        lambda: reference.stalled_for() > settings.stall_seconds, report, settings.heartbeat_timeout
    )
    logger.info("the reference serves %s on %s", settings.checkpoint, settings.socket)
    ended.wait()
    server.stop(_SECONDS_TO_FINISH).wait()
    settings.socket.unlink(missing_ok=True)


def _describe(
    checkpoint: released.Released, reference: Reference, settings: EngineSettings
) -> wire.Description:
    return wire.Description(
        checkpoint=settings.checkpoint,
        revision=settings.revision or "",
        frame_size=FrameFormat.read(Path(settings.checkpoint)).size,
        max_video_tokens=reference.max_context_tokens,
        max_context_tokens=reference.max_context_tokens,
        max_concurrent_sequences=1,
        embedding_dimension=checkpoint.model.config.text_config.hidden_size,
    )


def _generate_once(reference: Reference, size: int) -> None:
    """Answers about one black frame, so that a process that serves has generated a token."""
    asked = wire.Generation(prompt="Describe this video.", max_new_tokens=1)
    request = wire.AnswerRequest(
        video=wire.Video(key=b"first light", times=[0.0], frames=bytes(size * size * 3)),
        operations=[wire.Operation(generation=asked)],
    )
    call = Call(request)
    reference.answer(call)
    while not call.events.empty():
        event = call.events.get()
        if event is not None and event.WhichOneof("event") == "failed":
            raise RuntimeError(event.failed.message)
