"""What an engine process does once it holds its lock: load, generate once, and serve."""

import logging
import signal
from collections.abc import Callable

from molmo2_contract.errors import Molmo2Error
from molmo2_engine.assemble import FIRST_QUESTION, Assembly, assemble
from molmo2_engine.devices import gpus_held
from molmo2_engine.heartbeat import Heartbeat
from molmo2_engine.listening import serve
from molmo2_engine.loop.job import Failed
from molmo2_engine.lost_threads import end_with_lost_threads
from molmo2_engine.model.refused import CheckpointRefused
from molmo2_engine.server import EngineService
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire

logger = logging.getLogger(__name__)

_SECONDS_TO_FINISH = 5.0


def run(settings: EngineSettings, heartbeat: Heartbeat, served: Callable[[], None]) -> None:
    """Serves until SIGTERM or SIGINT; the engine's lock must be held.

    ``served`` is called once it can generate and listens.

    Raises:
        CheckpointRefused: if it cannot be served as the settings say.
        CacheTooSmall: if its KV cache would not hold one request.
        GpuTaken: if another engine holds the GPU.
    """
    with gpus_held(settings):
        _serve(settings, heartbeat, served)


def _serve(settings: EngineSettings, heartbeat: Heartbeat, served: Callable[[], None]) -> None:
    end_with_lost_threads()
    assembly = assemble(settings)
    engine = assembly.engine
    try:
        _generate_once(assembly)
    except Molmo2Error as error:
        raise CheckpointRefused(f"{settings.checkpoint}: generates nothing: {error}") from error
    service = EngineService(assembly)
    # Twice what may wait: calls that are to be refused need a thread too.
    server, report = serve(service, settings.socket, 2 * settings.max_waiting_requests)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: engine.stop())
    heartbeat.serves(
        lambda: engine.stalled_for() > settings.stall_seconds, report, settings.heartbeat_timeout
    )
    served()
    logger.info("serving %s on %s", settings.checkpoint, settings.socket)
    try:
        engine.run()
    finally:
        server.stop(_SECONDS_TO_FINISH).wait()
        settings.socket.unlink(missing_ok=True)


def _generate_once(assembly: Assembly) -> None:
    """Answers about one black frame, so that an engine that serves has generated a token.

    Raises:
        Molmo2Error: why it has not.
    """
    size = assembly.layout.frame_format.size
    request = wire.AnswerRequest(
        video=wire.Video(key=b"first light", times=[0.0], frames=bytes(size * size * 3)),
        operations=[
            wire.Operation(generation=wire.Generation(prompt=FIRST_QUESTION, max_new_tokens=1))
        ],
    )
    job = assembly.admission.job(request)
    assembly.engine.submit(job)
    while not assembly.engine.idle:
        assembly.engine.step()
    while not job.events.empty():
        event = job.events.get()
        if isinstance(event, Failed):
            raise event.error
