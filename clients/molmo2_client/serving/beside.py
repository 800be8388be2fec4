"""The process beside TorchServe that watches, heals and drains it: ``python -m molmo2_ops``."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_SECONDS_TO_END = 120.0
"""Beyond the grace: TorchServe and its engines have to end too."""


class Beside:
    """Keeps that process running, and has it stop the server at the end."""

    def __init__(self, arguments: Sequence[str], log: Path, grace: float) -> None:
        self._arguments = arguments
        self._log = log
        self._grace = grace
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Starts it, if it does not run."""
        if self._process is not None and self._process.poll() is None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "molmo2_ops", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us; we then have it drain
            )

    def drain(self) -> bool:
        """Stops the server in order; whether every request in flight was answered."""
        if self._process is None:
            return False
        self._process.terminate()
        try:
            status = self._process.wait(self._grace + _SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return False
        # The signal itself ends it while it starts, which is before anything is answered.
        return status in (0, -signal.SIGTERM)

    @property
    def report(self) -> str:
        """What it said last."""
        lines = self._log.read_text(errors="replace").splitlines()
        return lines[-1] if lines else ""

    def end(self) -> None:
        """Ends it at once; nothing when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
