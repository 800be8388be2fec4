"""The workers that live and do nothing: stopped, stuck in a decoder, or long past a deadline."""

import logging
import os
import signal
from pathlib import Path

from molmo2_contract.run_directory import WORKER_PULSES
from molmo2_engine.client.silence import Holder, Silence
from molmo2_ops.worker_processes import is_worker

logger = logging.getLogger(__name__)


class WorkerPulses:
    """The files in which workers say that they live."""

    def __init__(self, run_directory: Path) -> None:
        self._folder = run_directory / WORKER_PULSES
        self._watched: dict[Path, Silence] = {}

    def kill_silent(self) -> int:
        """Ends the workers without a pulse; TorchServe tells their callers and starts others.

        Says how many. The files of those that ended are removed.
        """
        killed = 0
        for path in sorted(self._folder.glob("[0-9]*")):
            pulse = _Pulse(path)
            if pulse.holder() is None:
                path.unlink(missing_ok=True)
                self._watched.pop(path, None)
            elif self._watched.setdefault(path, Silence(pulse)).look():
                killed += pulse.kill()
        return killed


class _Pulse:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._process = int(path.name)

    def holder(self) -> Holder | None:
        if not is_worker(self._process):
            return None
        try:
            return Holder(self._process, float(self.path.read_text()))
        except (OSError, ValueError):  # just made, or gone
            return Holder(self._process, float("inf"))

    def kill(self) -> bool:
        logger.warning("worker %d has no pulse", self._process)
        try:
            os.kill(self._process, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True
