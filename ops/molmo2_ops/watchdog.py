"""Gives a model back the workers that TorchServe has lost, and ends what hangs."""

import logging
import time
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter

from molmo2_ops.engines import Engines
from molmo2_ops.management import Management, ManagementUnreachable
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.wanted_workers import WantedWorkers
from molmo2_ops.worker_pulses import WorkerPulses

logger = logging.getLogger(__name__)


@dataclass
class _Watched:
    """Since when something has been wrong with a model, as time.monotonic says."""

    missing: float | None = None
    spare: float | None = None
    none: float | None = None
    away: dict[str, float] = field(default_factory=dict)
    """By the name of the worker."""


class Watchdog:
    """Compares the workers that are alive with the number that is wanted."""

    def __init__(
        self,
        management: Management,
        engines: Engines,
        pulses: WorkerPulses,
        wanted: WantedWorkers,
        registry: CollectorRegistry,
        *,
        patience: float,
        retry_seconds: float,
    ) -> None:
        self._management = management
        self._engines = engines
        self._pulses = pulses
        self._wanted = wanted
        self._patience = patience
        self._retry_seconds = retry_seconds
        self._watched: dict[str, _Watched] = {}
        self._heals = Counter(
            "molmo2_heals",
            "Faults that were healed from outside.",
            ["fault"],
            registry=registry,
        )
        for fault in ("worker_lost", "retries_exhausted", "engine_silent", "worker_silent"):
            self._heals.labels(fault)

    def heal(self, seen: Observation) -> None:
        """Does what one look at the server asks for; what fails is tried at the next look."""
        for model in seen.models:
            self._wanted.look(model.address, model.listed.min_workers)
            try:
                self._heal(model, self._watched.setdefault(model.address, _Watched()))
            except ManagementUnreachable as error:
                logger.warning("%s could not be scaled: %s", model.name, error)

    def end_silent(self) -> None:
        """Ends what hangs, to be started anew; may be called from another thread than ``heal``."""
        self._heals.labels("engine_silent").inc(self._engines.kill_silent())
        self._heals.labels("worker_silent").inc(self._pulses.kill_silent())

    def _heal(self, model: ModelState, watched: _Watched) -> None:
        now, wanted = time.monotonic(), self._wanted.of(model.address)
        lost, listed = model.workers.lost, len(model.listed.workers)
        given_up = self._given_up(model, watched, now)
        # Workers that are gone stay listed, so there must be as many more; the others work on.
        missing = wanted + lost + given_up - listed
        watched.missing = (watched.missing or now) if missing > 0 else None
        # TorchServe has started again what counted as lost: on a busy machine it sees that late.
        watched.spare = (watched.spare or now) if missing < 0 else None
        watched.none = None if model.workers.alive or not wanted else (watched.none or now)
        if _has_lasted(watched.none, self._retry_seconds, now):
            logger.warning("%s has no worker left; it is scaled anew", model.name)
            self._scale(model.address, 0)
            watched.none = watched.missing = None
            self._scale(model.address, wanted)  # if that fails they are missing
            self._heals.labels("retries_exhausted").inc()
        elif _has_lasted(watched.missing, self._patience, now):
            logger.warning("%s has lost %d workers; as many are started", model.name, missing)
            self._scale(model.address, wanted + lost + given_up)
            watched.missing = None
            fault = "worker_lost" if wanted + lost > listed else "retries_exhausted"
            self._heals.labels(fault).inc()
        elif _has_lasted(watched.spare, self._retry_seconds, now):
            logger.warning("%s has %d workers more than are wanted; they end", model.name, -missing)
            self._scale(model.address, wanted + lost + given_up)
            watched.spare = None

    def _given_up(self, model: ModelState, watched: _Watched, now: float) -> int:
        """Workers without a process for so long that TorchServe no longer tries to start them."""
        watched.away = {name: watched.away.get(name, now) for name in model.workers.away}
        return sum(_has_lasted(since, self._retry_seconds, now) for since in watched.away.values())

    def _scale(self, model: str, workers: int) -> None:
        self._wanted.asking(model, workers)
        self._management.scale(model, workers)
        self._wanted.heard(model, workers)


def _has_lasted(since: float | None, seconds: float, now: float) -> bool:
    return since is not None and now - since >= seconds
