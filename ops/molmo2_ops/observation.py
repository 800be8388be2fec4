"""One look at everything that makes up a server."""

from dataclasses import dataclass

from molmo2_ops.canary import Canary
from molmo2_ops.engines import Engines, EngineState
from molmo2_ops.management import READY, ListedModel, Management, ManagementUnreachable
from molmo2_ops.worker_counts import ModelCounts, WorkerCounts, by_model
from molmo2_ops.worker_processes import WorkerCount


@dataclass(frozen=True)
class ModelState:
    """One model at one moment."""

    listed: ListedModel
    workers: WorkerCount
    running: int
    """Requests that workers are at."""
    canaries: int = 0
    """Of what is in flight: asked by the watching process itself."""
    failed: float = 0.0
    """Requests that have failed by the server's own fault, since it started."""
    engines: frozenset[str] = frozenset()
    """Names of the engines of its workers."""

    @property
    def name(self) -> str:
        return self.listed.name

    @property
    def address(self) -> str:
        return self.listed.address

    @property
    def is_loaded(self) -> bool:
        """Whether a worker is there that would take a request; before that requests only wait."""
        return bool(self.workers.alive) and any(
            worker.status == READY for worker in self.listed.workers
        )

    @property
    def in_flight(self) -> int:
        """What callers wait for, pending and running: autoscalers take it for demand."""
        # A canary may be on its way to the queue, or just answered.
        return max(0, self.running + self.listed.pending - self.canaries)


@dataclass(frozen=True)
class Observation:
    """A server at one moment."""

    reachable: bool
    """Whether TorchServe answered."""
    models: tuple[ModelState, ...] = ()
    engines: tuple[EngineState, ...] = ()


class Observer:
    """Looks at one server."""

    def __init__(
        self, management: Management, engines: Engines, counts: WorkerCounts, canary: Canary
    ) -> None:
        self._management = management
        self._engines = engines
        self._counts = counts
        self._canary = canary

    def look(self) -> Observation:
        engines = tuple(self._engines.look())
        asked = [self._canary.asking]
        try:
            listed = self._management.models()
        except ManagementUnreachable:
            return Observation(reachable=False, engines=engines)
        counts = by_model(self._counts.read())
        asked.append(self._canary.asking)
        models = (
            _state(model, counts.get(model.address, ModelCounts()), model.address in asked)
            for model in listed
        )
        return Observation(True, tuple(models), engines)


def _state(model: ListedModel, counts: ModelCounts, asked: bool) -> ModelState:
    return ModelState(
        model,
        WorkerCount.of(model),
        running=counts.running,
        canaries=int(asked),
        failed=counts.failed,
        engines=counts.engines,
    )
