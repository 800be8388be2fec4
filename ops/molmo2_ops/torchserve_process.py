"""TorchServe's own process: whether it runs, how it was started, and its end."""

import logging
import os
import signal
import time
from pathlib import Path

from molmo2_contract.run_directory import JVM_CLASS, PID_FILE, WORKER_COUNTS
from molmo2_engine.client.process_state import runs

logger = logging.getLogger(__name__)

_SECONDS_TO_STOP = 30.0


class NotWatchable(Exception):
    """TorchServe was started so that nobody can see what it does."""


class TorchServeProcess:
    """The JVM of one run directory, by the process id that TorchServe writes there."""

    def __init__(self, run_directory: Path) -> None:
        self._run = run_directory.resolve()
        self._file = run_directory / PID_FILE
        self._process: int | None = None

    @property
    def process(self) -> int | None:
        """Its id; None until it is known."""
        if self._process is None:
            self._process = self._read()
        return self._process

    @property
    def identity(self) -> str | None:
        """What it has in common with no other process of this machine since it was started."""
        try:
            stat = Path(f"/proc/{self.process}/stat").read_text()
            return f"{self.process} since {stat.rpartition(')')[2].split()[19]}"  # starttime
        except (OSError, IndexError):
            return None

    @property
    def has_ended(self) -> bool:
        """Whether it ran once and no longer does."""
        return self.process is not None and not runs(self.process, JVM_CLASS)

    def check(self) -> None:
        """Of a TorchServe that answers.

        Raises:
            NotWatchable: naming what has to be set when it is started.
        """
        wrong = self._wrong()
        if wrong:
            raise NotWatchable(
                f"TorchServe cannot be watched: {'; '.join(wrong)}. Start it as molmo2 serve does, "
                f"in {self._run} and with TMPDIR={self._run}/tmp, "
                + ", ".join(f"{name}={value}" for name, value in self._environment().items())
            )

    def stop(self) -> None:
        """Asks it to end, and ends it when it does not within 30 s."""
        if self.process is None or self.has_ended:
            return
        os.kill(self.process, signal.SIGTERM)
        until = time.monotonic() + _SECONDS_TO_STOP
        while not self.has_ended:
            if time.monotonic() > until:
                logger.warning("TorchServe did not end within %g s; killed", _SECONDS_TO_STOP)
                os.kill(self.process, signal.SIGKILL)
                return
            time.sleep(0.1)

    def _read(self) -> int | None:
        try:
            process = int(self._file.read_text())
        except (OSError, ValueError):
            return None
        return process if runs(process, JVM_CLASS) else None

    def _environment(self) -> dict[str, Path]:
        return {
            "LOG_LOCATION": self._run / "logs",
            "PROMETHEUS_MULTIPROC_DIR": self._run / WORKER_COUNTS,
            "MOLMO2_HANDLER_RUN_DIRECTORY": self._run,
        }

    def _wrong(self) -> list[str]:
        if self.process is None:
            return [f"its process id is not in {self._file}"]
        try:
            folder = Path(f"/proc/{self.process}/cwd").readlink()
            pairs = Path(f"/proc/{self.process}/environ").read_bytes().split(b"\0")
        except OSError:  # another user's, or just gone
            return []
        given = dict(pair.decode(errors="replace").partition("=")[::2] for pair in pairs)
        wrong = [
            f"{name} is {given.get(name, 'not set')}"
            for name, value in self._environment().items()
            if name not in given or (folder / given[name]).resolve() != value
        ]
        return wrong + [f"it runs in {folder}"] * (folder != self._run)
