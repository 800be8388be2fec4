"""How many workers each model is to have, whatever TorchServe was told meanwhile."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

FILE = "wanted-workers.json"
"""In the run directory, so that whoever goes on watching the same TorchServe knows it."""


@dataclass
class _Model:
    wanted: int
    told: int
    """What TorchServe was last told by us, lost workers included."""
    asked: list[int] = field(default_factory=list)
    """What we have asked for since without an answer: it may have been heard, or yet be."""


class WantedWorkers:
    """By the address of the model.

    Wanted is the ``minWorkers`` that the model had when it was first seen, or that somebody else
    has set since over the management API.
    """

    def __init__(self, run_directory: Path, torchserve: Callable[[], str | None]) -> None:
        """``torchserve`` names the process that is watched, and no other that ever was."""
        self._file = run_directory / FILE
        self._torchserve = torchserve
        self._of: str | None = None
        self._models: dict[str, _Model] = {}

    def of(self, model: str) -> int:
        """0 of a model that was never looked at."""
        return self._models[model].wanted if model in self._models else 0

    def look(self, model: str, min_workers: int) -> None:
        """TorchServe says that the model is to have ``min_workers``."""
        self._read()
        known = self._models.setdefault(model, _Model(min_workers, min_workers))
        if min_workers in (known.told, *known.asked):
            known.told = min_workers
        else:  # somebody else has scaled it
            self._models[model] = _Model(min_workers, min_workers)
        self._write()

    def asking(self, model: str, workers: int) -> None:
        """We are about to tell TorchServe that the model is to have ``workers``."""
        self._models[model].asked.append(workers)
        self._write()

    def heard(self, model: str, workers: int) -> None:
        """TorchServe has said that it was told so."""
        known = self._models[model]
        known.told, known.asked = workers, []
        self._write()

    def _read(self) -> None:
        """What was written of the same TorchServe, once that is known."""
        process = self._torchserve()
        if process is None or process == self._of:
            return
        self._of = process
        try:
            written = json.loads(self._file.read_bytes())
            if written["torchserve"] == process:
                self._models = {name: _Model(**of) for name, of in written["models"].items()}
        except (OSError, ValueError, LookupError, TypeError):  # there is none, or no whole one
            pass

    def _write(self) -> None:
        if self._of is None:
            return
        models = {name: asdict(model) for name, model in self._models.items()}
        text = json.dumps({"torchserve": self._of, "models": models})
        part = self._file.with_suffix(".part")
        try:
            if self._file.exists() and self._file.read_text() == text:
                return
            part.write_text(text)
            part.replace(self._file)
        except OSError as error:
            logger.warning("%s could not be written: %s", self._file, error)
