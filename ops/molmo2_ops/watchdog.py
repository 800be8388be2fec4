"""Gives a model back the workers that TorchServe has lost, and ends what hangs."""

import logging
import time
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter

from molmo2_ops.engines import Engines
from molmo2_ops.management import Management, ManagementUnreachable
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.worker_pulses import WorkerPulses

logger = logging.getLogger(__name__)


@dataclass
class _Watched:
    """What is remembered of a model between two looks."""

    wanted: int
    told: int
    """Workers that TorchServe was last told to have, lost ones included."""
    lost_since: float | None = None
    none_since: float | None = None


class Watchdog:
    """Compares the workers that are alive with the number that is wanted.

    Wanted is the ``minWorkers`` that the model had when it was first seen, or that somebody has set
    since over the management API.
    """

    def __init__(
        self,
        management: Management,
        engines: Engines,
        pulses: WorkerPulses,
        registry: CollectorRegistry,
        *,
        patience: float,
        retry_seconds: float,
    ) -> None:
        self._management = management
        self._engines = engines
        self._pulses = pulses
        self._patience = patience
        self._retry_seconds = retry_seconds
        self._models: dict[str, _Watched] = {}
        self._heals = Counter(
            "molmo2_heals",
            "Faults that were healed from outside.",
            ["fault"],
            registry=registry,
        )
        for fault in ("worker_lost", "retries_exhausted", "engine_silent", "worker_silent"):
            self._heals.labels(fault)

    def wanted(self, model: str) -> int:
        return self._models[model].wanted

    def heal(self, seen: Observation) -> None:
        """Does what one look at the server asks for; what fails is tried at the next look."""
        for model in seen.models:
            try:
                self._heal(model, self._watched(model))
            except ManagementUnreachable as error:
                logger.warning("%s could not be scaled: %s", model.name, error)

    def end_silent(self) -> None:
        """Ends what hangs, to be started anew; may be called from another thread than ``heal``."""
        self._heals.labels("engine_silent").inc(self._engines.kill_silent())
        self._heals.labels("worker_silent").inc(self._pulses.kill_silent())

    def _watched(self, model: ModelState) -> _Watched:
        told = model.listed.min_workers
        watched = self._models.setdefault(model.address, _Watched(wanted=told, told=told))
        if told != watched.told:  # somebody else has scaled the model
            watched.wanted = watched.told = told
        return watched

    def _heal(self, model: ModelState, watched: _Watched) -> None:
        now = time.monotonic()
        lost, alive = model.workers.lost, model.workers.alive
        missing = watched.wanted + lost > len(model.listed.workers)
        watched.lost_since = (watched.lost_since or now) if missing else None
        watched.none_since = None if alive or not watched.wanted else (watched.none_since or now)
        if watched.lost_since is not None and now - watched.lost_since >= self._patience:
            # Lost workers stay listed, so there must be as many more; the others work on.
            logger.warning("%s has lost %d workers; as many are started", model.name, lost)
            self._scale(model.address, watched, watched.wanted + lost)
            self._heals.labels("worker_lost").inc()
        elif watched.none_since is not None and now - watched.none_since >= self._retry_seconds:
            logger.warning("%s has no worker left; it is scaled anew", model.name)
            self._management.scale(model.address, 0)
            self._scale(model.address, watched, watched.wanted)
            watched.none_since = None
            self._heals.labels("retries_exhausted").inc()

    def _scale(self, model: str, watched: _Watched, workers: int) -> None:
        self._management.scale(model, workers)
        watched.told = workers
        watched.lost_since = None
