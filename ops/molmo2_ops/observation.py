"""One look at everything that makes up a server."""

from dataclasses import dataclass

from molmo2_ops.engines import Engines, EngineState
from molmo2_ops.management import READY, ListedModel, Management, ManagementUnreachable
from molmo2_ops.worker_counts import WorkerCounts, running
from molmo2_ops.worker_processes import WorkerCount


@dataclass(frozen=True)
class ModelState:
    """One model at one moment."""

    listed: ListedModel
    workers: WorkerCount
    running: int
    """Requests that workers are at."""

    @property
    def name(self) -> str:
        return self.listed.name

    @property
    def is_loaded(self) -> bool:
        """Whether a worker is there that would take a request; before that requests only wait."""
        return bool(self.workers.alive) and any(
            worker.status == READY for worker in self.listed.workers
        )

    @property
    def in_flight(self) -> int:
        return self.running + self.listed.pending


@dataclass(frozen=True)
class Observation:
    """A server at one moment."""

    reachable: bool
    """Whether TorchServe answered."""
    models: tuple[ModelState, ...] = ()
    engines: tuple[EngineState, ...] = ()

    @property
    def in_flight(self) -> int:
        return sum(model.in_flight for model in self.models)


class Observer:
    """Looks at one server."""

    def __init__(self, management: Management, engines: Engines, counts: WorkerCounts) -> None:
        self._management = management
        self._engines = engines
        self._counts = counts

    def look(self) -> Observation:
        engines = tuple(self._engines.look())
        try:
            listed = self._management.models()
        except ManagementUnreachable:
            return Observation(reachable=False, engines=engines)
        at_work = running(self._counts.read())
        models = (
            ModelState(model, WorkerCount.of(model), at_work.get(model.name, 0)) for model in listed
        )
        return Observation(True, tuple(models), engines)
