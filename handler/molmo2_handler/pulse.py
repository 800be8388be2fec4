"""Says from beside a worker's own thread that it lives, and that its request may still end in time.

The pulse is the modification time of the file ``workers/<process id>`` in the run directory; in the
file are the seconds for which it may stop. A worker without one is killed by the process beside
TorchServe, and TorchServe starts another.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from molmo2_contract.run_directory import WORKER_PULSES

_SECONDS_BETWEEN_BEATS = 1.0


class Pulse(threading.Thread):
    """Of this process, until it ends."""

    def __init__(self, run_directory: Path, patience: float) -> None:
        """``patience``: seconds without a beat, and seconds that a request may be overdue."""
        super().__init__(name="pulse", daemon=True)
        self._patience = patience
        self._due: float | None = None
        self._file = run_directory / WORKER_PULSES / str(os.getpid())
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(str(patience))

    @contextmanager
    def request(self, timeout: float) -> Iterator[None]:
        """The request in hand must end within ``timeout`` seconds, or its worker counts as hung."""
        self._due = time.monotonic() + timeout + self._patience
        try:
            yield
        finally:
            self._due = None

    def run(self) -> None:
        with suppress(FileNotFoundError):  # the run directory may go before its workers do
            while self._file.exists():
                due = self._due
                if due is None or time.monotonic() < due:
                    os.utime(self._file)
                time.sleep(_SECONDS_BETWEEN_BEATS)
