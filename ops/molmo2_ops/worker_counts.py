"""What request workers have counted, added up over those that live and those that died."""

import logging
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from molmo2_contract.errors import ErrorKind
from molmo2_ops.worker_processes import is_worker

logger = logging.getLogger(__name__)

RUNNING = "molmo2_requests_running"
_REQUESTS = "molmo2_requests_total"
_ENGINES = "molmo2_engine_workers"

_FAULTS = (ErrorKind.INTERNAL, ErrorKind.ENGINE_UNAVAILABLE)

_TORN = (struct.error, RuntimeError, ValueError)
"""What reading a file comes to that a worker is just making or lengthening."""

_TRIES = 3
_SECONDS_BETWEEN_TRIES = 0.01


class WorkerCounts:
    """Reads the folder that PROMETHEUS_MULTIPROC_DIR named to the workers; from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._unreadable: set[Path] = set()

    def read(self) -> list[Metric]:
        """The metrics of all workers; what a dead one was running no longer counts.

        A file that cannot be read costs its own counts alone.
        """
        with self._lock:
            self._forget_dead()
            files = [str(file) for file in self._folder.glob("*.db") if self._is_whole(file)]
            return list(MultiProcessCollector.merge(files))

    def _forget_dead(self) -> None:
        for file in self._folder.glob("gauge_live*_*.db"):
            if not is_worker(int(file.stem.rpartition("_")[2])):
                file.unlink(missing_ok=True)

    def _is_whole(self, file: Path) -> bool:
        for _ in range(_TRIES):
            try:
                for _ in MmapedDict.read_all_values_from_file(str(file)):
                    pass
            except FileNotFoundError:
                return False
            except _TORN:
                time.sleep(_SECONDS_BETWEEN_TRIES)
            else:
                self._unreadable.discard(file)
                return True
        if file not in self._unreadable:
            self._unreadable.add(file)
            logger.warning("%s cannot be read: what its worker counted is not told", file)
        return False


@dataclass(frozen=True)
class ModelCounts:
    """What the workers of one version of a model say of themselves."""

    running: int = 0
    """Requests that they are at."""
    failed: float = 0.0
    """Requests that have failed by the server's own fault."""
    engines: frozenset[str] = frozenset()
    """Names of the engines that are theirs."""


def by_model(metrics: list[Metric]) -> dict[str, ModelCounts]:
    """The counts of each model, by its address."""
    running = _sums(_samples(metrics, RUNNING))
    failed = _sums(each for each in _samples(metrics, _REQUESTS) if each[0]["outcome"] in _FAULTS)
    engines: dict[str, set[str]] = {}
    for labels, workers in _samples(metrics, _ENGINES):
        if workers:
            engines.setdefault(_address(labels), set()).add(labels["engine"])
    return {
        address: ModelCounts(
            running=int(running.get(address, 0)),
            failed=failed.get(address, 0.0),
            engines=frozenset(engines.get(address, ())),
        )
        for address in {*running, *failed, *engines}
    }


def _sums(samples: Iterable[tuple[dict[str, str], float]]) -> dict[str, float]:
    """By the address of the model."""
    sums: dict[str, float] = {}
    for labels, value in samples:
        address = _address(labels)
        sums[address] = sums.get(address, 0.0) + value
    return sums


def _samples(metrics: list[Metric], name: str) -> Iterator[tuple[dict[str, str], float]]:
    for metric in metrics:
        for sample in metric.samples:
            if sample.name == name:
                yield sample.labels, sample.value


def _address(labels: dict[str, str]) -> str:
    return f"{labels['model']}/{labels['version']}"
