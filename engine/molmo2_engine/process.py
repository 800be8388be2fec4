"""The life of an engine process: one a socket, ready once it has generated, gone with its host."""

import fcntl
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from grpc_health.v1 import health, health_pb2

from molmo2_engine.assemble import Assembly, assemble
from molmo2_engine.engine import Engine
from molmo2_engine.job import Failed
from molmo2_engine.server import EngineService, serve
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire

logger = logging.getLogger(__name__)

_STATUS = health_pb2.HealthCheckResponse
_SECONDS_TO_FINISH = 5.0


def run(settings: EngineSettings) -> None:
    """Serves until SIGTERM, SIGINT or the end of ``exit_with``.

    Raises:
        NotMolmo2: if the checkpoint is not one.
    """
    settings.socket.parent.mkdir(parents=True, exist_ok=True)
    with settings.socket.with_name(f"{settings.socket.name}.engine").open("a") as lock:
        _claim(lock.fileno(), settings.socket)
        assembly = assemble(settings)
        engine = assembly.engine
        _generate_once(assembly)
        service = EngineService(assembly)
        # Twice what may wait: calls that are to be refused need a thread too.
        server, report = serve(service, settings.socket, 2 * settings.max_waiting_requests)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: engine.stop())
        watch = threading.Thread(target=_watch, args=(engine, report, settings), daemon=True)
        watch.start()
        logger.info("serving %s on %s", settings.checkpoint, settings.socket)
        try:
            engine.run()
        finally:
            server.stop(_SECONDS_TO_FINISH).wait()
            settings.socket.unlink(missing_ok=True)


def _claim(lock: int, socket: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another engine serves {socket}")


def _generate_once(assembly: Assembly) -> None:
    """Answers about one black frame, so that an engine that serves has generated a token."""
    size = assembly.layout.frame_format.size
    request = wire.AnswerRequest(
        video=wire.Video(key=b"first light", times=[0.0], frames=bytes(size * size * 3)),
        operations=[
            wire.Operation(
                generation=wire.Generation(prompt="Describe this video.", max_new_tokens=1)
            )
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


def _watch(engine: Engine, report: health.HealthServicer, settings: EngineSettings) -> None:
    """Says whether work in hand advances, and stops the engine when its host is gone."""
    while True:
        stalled = engine.stalled_for() > settings.stall_seconds
        report.set("", _STATUS.NOT_SERVING if stalled else _STATUS.SERVING)
        if settings.exit_with is not None and not _alive(settings.exit_with):
            logger.info("process %d has ended; so does this engine", settings.exit_with)
            engine.stop()
            return
        time.sleep(0.5)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it lives, and belongs to somebody else
    return True
