"""What request workers have counted, added up over those that live and those that died."""

import struct
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from molmo2_ops.worker_processes import is_running

RUNNING = "molmo2_requests_running"


class WorkerCounts:
    """Reads the folder that PROMETHEUS_MULTIPROC_DIR named to the workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> list[Metric]:
        """The metrics of all workers; what a dead one was running no longer counts."""
        if not self._folder.is_dir():
            return []
        for file in self._folder.glob("gauge_live*_*.db"):
            process = int(file.stem.rpartition("_")[2])
            if not is_running(process):
                mark_process_dead(process, str(self._folder))
        try:
            return list(MultiProcessCollector(None, str(self._folder)).collect())
        except (struct.error, FileNotFoundError):  # a worker is just making or leaving its file
            return []


def running(metrics: list[Metric]) -> dict[str, int]:
    """Requests that workers are at, by model."""
    return {model: int(value) for model, value in _by_model(metrics, RUNNING)}


def _by_model(metrics: list[Metric], name: str) -> Iterator[tuple[str, float]]:
    for metric in metrics:
        for sample in metric.samples:
            if sample.name == name:
                yield sample.labels["model"], sample.value
