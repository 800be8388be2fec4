"""The run directory: one server's at a time, with nothing in it that the one before stood for."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from molmo2_client.serving.options import ServerFailed
from molmo2_contract.run_directory import DRAINING, KEY_FILE, PID_FILE, TEMPORARY, WORKER_COUNTS

_LOCK = "serve.lock"
_OF_THE_RUN_BEFORE = (KEY_FILE, DRAINING, "jvm.log", PID_FILE)


@contextmanager
def held(run: Path) -> Iterator[int]:
    """Makes the folder and holds it; the lock's descriptor, for TorchServe to hold it as well.

    It is held until everybody who has the descriptor ends: a server whose ``molmo2 serve`` was
    killed still has its folder while it drains.

    Raises:
        ServerFailed: if another server has it.
    """
    run.mkdir(parents=True, exist_ok=True)
    with (run / _LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServerFailed(
                f"another server has {run}: stop it first, or name another folder with "
                "--run-directory"
            ) from None
        yield lock.fileno()


def clear(run: Path) -> None:
    """Takes away what would be taken for the next server's; logs stay."""
    (run / TEMPORARY).mkdir(exist_ok=True)
    shutil.rmtree(run / WORKER_COUNTS, ignore_errors=True)
    (run / WORKER_COUNTS).mkdir()
    for left in _OF_THE_RUN_BEFORE:
        (run / left).unlink(missing_ok=True)
