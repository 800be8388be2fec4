"""What the engines of a run directory say that cannot start."""

from pathlib import Path

from molmo2_contract.run_directory import ENGINE_LOGS, ENGINE_REFUSALS

TRIES = 2
"""Engines in a row that end for the same reason, before no further one is waited for. One is not
enough, since a reason may pass: another engine that leaves the GPU, say."""


class EngineLogs:
    """Looks at what is written from now on."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._ends = {log: log.stat().st_size for log in self._logs()}

    def refusal(self) -> str | None:
        """Why no engine of a model starts, once ``TRIES`` of them have said the same."""
        for log in self._logs():
            with log.open("rb") as written:
                written.seek(self._ends.get(log, 0))
                lines = written.read().decode(errors="replace").splitlines()
            said = [line for line in lines if line.startswith(ENGINE_REFUSALS)][-TRIES:]
            if len(said) == TRIES and len(set(said)) == 1:
                return said[0]
        return None

    def _logs(self) -> list[Path]:
        return sorted(self._run.glob(ENGINE_LOGS))
