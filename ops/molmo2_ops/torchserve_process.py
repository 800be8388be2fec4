"""TorchServe's own process: whether it runs, and its end."""

import logging
import os
import signal
import time
from pathlib import Path

from molmo2_ops.worker_processes import is_running

logger = logging.getLogger(__name__)

_SECONDS_TO_STOP = 30.0


class TorchServeProcess:
    """The JVM of one run directory, by the process id that TorchServe writes there."""

    def __init__(self, run_directory: Path) -> None:
        self._file = run_directory / "tmp" / ".model_server.pid"
        self._process: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it ran once and no longer does."""
        if self._process is None:
            self._process = self._read()
        return self._process is not None and not is_running(self._process)

    def stop(self) -> None:
        """Asks it to end, and ends it when it does not within 30 s."""
        if self._process is None or self.has_ended:
            return
        os.kill(self._process, signal.SIGTERM)
        until = time.monotonic() + _SECONDS_TO_STOP
        while not self.has_ended:
            if time.monotonic() > until:
                logger.warning("TorchServe did not end within %g s; killed", _SECONDS_TO_STOP)
                os.kill(self._process, signal.SIGKILL)
                return
            time.sleep(0.1)

    def _read(self) -> int | None:
        try:
            process = int(self._file.read_text())
        except (OSError, ValueError):
            return None
        return process if is_running(process) else None
