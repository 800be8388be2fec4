"""Which of the workers that TorchServe lists are alive.

TorchServe 0.12 loses a worker for good, and goes on to list it as READY, when a gRPC call cannot
take what is sent to it (``sendError`` throws inside ``WorkerThread``'s own recovery). The process
is gone then, and only that tells.
"""

from dataclasses import dataclass
from pathlib import Path

from molmo2_ops.management import READY, ListedModel, ListedWorker


@dataclass(frozen=True)
class WorkerCount:
    """The workers of one model."""

    alive: int
    """Processes that run, ready or loading."""
    lost: int
    """Listed as READY without a process: TorchServe will not bring them back."""

    @classmethod
    def of(cls, model: ListedModel) -> "WorkerCount":
        alive = [is_running(worker.pid) for worker in model.workers]
        lost = sum(map(_is_lost, model.workers, alive))
        return cls(alive=sum(alive), lost=lost)


def _is_lost(worker: ListedWorker, alive: bool) -> bool:
    return worker.status == READY and not alive


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    try:
        # The state follows the command's name, which is in parentheses and may hold any character.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False
