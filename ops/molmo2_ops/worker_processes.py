"""Which of the workers that TorchServe lists are alive.

TorchServe 0.12 loses a worker for good, and goes on to list it as READY, when a gRPC call cannot
take what is sent to it (``sendError`` throws inside ``WorkerThread``'s own recovery). The process
is gone then, and only that tells.
"""

from dataclasses import dataclass

from molmo2_engine.client.process_state import runs
from molmo2_ops.management import READY, ListedModel

_COMMAND = b"model_service_worker.py"
"""What TorchServe runs as a worker."""


@dataclass(frozen=True)
class WorkerCount:
    """The workers of one model."""

    alive: int
    """Processes that run, ready or loading."""
    lost: int
    """Listed as READY without a process: TorchServe will not bring them back."""
    away: tuple[str, ...] = ()
    """Names of those listed otherwise, without a process: TorchServe starts them again, or has
    given up."""

    @classmethod
    def of(cls, model: ListedModel) -> "WorkerCount":
        gone = [worker for worker in model.workers if not is_worker(worker.pid)]
        away = tuple(worker.name for worker in gone if worker.status != READY)
        return cls(len(model.workers) - len(gone), len(gone) - len(away), away)


def is_worker(pid: int) -> bool:
    """Whether the process lives and is a request worker: another one may have got its number."""
    return runs(pid, _COMMAND)
