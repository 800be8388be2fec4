"""Says from outside the loop that an engine lives, and ends it with its host."""

import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import Self

from grpc_health.v1 import health, health_pb2

from molmo2_engine.client.engine_lock import EngineLock
from molmo2_engine.client.process_state import is_running

logger = logging.getLogger(__name__)

_STATUS = health_pb2.HealthCheckResponse
_SECONDS_BETWEEN_BEATS = 0.5
_SECONDS_TO_END = 15.0

LOADING_PATIENCE = 120.0
"""Seconds of silence that an engine may keep while it loads, when one call may hold Python up."""


class Heartbeat(threading.Thread):
    """Beats from the first moment, while the model loads too; a step that stalls ends the beat.

    Whoever watches then kills this process, which may no longer be able to end by itself.
    """

    def __init__(self, lock: EngineLock, exit_with: int | None) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._lock = lock
        self._exit_with = exit_with
        self._ended = threading.Event()
        self._stalled: Callable[[], bool] = lambda: False
        self._report: health.HealthServicer | None = None

    def serves(
        self, stalled: Callable[[], bool], report: health.HealthServicer, patience: float
    ) -> None:
        """From now on work in hand has to advance, and the health service is told whether."""
        report.set("", _STATUS.SERVING)
        self._stalled, self._report = stalled, report
        self._lock.beat(patience)

    def end(self) -> None:
        self._ended.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.join()

    def run(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_BEATS):
            stalled = self._stalled()
            if self._report is not None:
                self._report.set("", _STATUS.NOT_SERVING if stalled else _STATUS.SERVING)
            if self._exit_with is not None and not is_running(self._exit_with):
                self._end_process(f"process {self._exit_with} has ended")
            try:
                if not stalled:
                    self._lock.beat()
            except FileNotFoundError:
                self._end_process(f"{self._lock.path} was removed")

    def _end_process(self, reason: str) -> None:
        logger.info("%s; so this engine ends", reason)
        os.kill(os.getpid(), signal.SIGTERM)
        if not self._ended.wait(_SECONDS_TO_END):
            os._exit(1)  # the loop is stuck and hears no signal
