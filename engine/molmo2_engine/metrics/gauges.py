"""What is read when somebody asks."""

from collections.abc import Iterator, Mapping

import torch
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from molmo2_engine.loop.engine import Engine


class Gauges(Collector):
    """The state of one engine; every name starts with molmo2_engine_."""

    def __init__(self, engine: Engine, *devices: torch.device) -> None:
        """``devices`` are all that the engine's model lies on."""
        self._engine = engine
        self._devices = devices

    def collect(self) -> Iterator[GaugeMetricFamily]:
        engine = self._engine
        yield _gauge("running_sequences", "Operations that generate", len(engine.batch))
        yield _gauge("max_sequences", "Operations that may generate", engine.limits.max_sequences)
        yield _gauge("waiting_requests", "Wait for their prefix", engine.scheduler.waiting_jobs)
        yield _gauge("waiting_sequences", "Wait for a place", engine.scheduler.waiting_sequences)
        yield _gauge("stalled_seconds", "Age of the step in hand", engine.stalled_for())
        yield _gauge("page_tokens", "Tokens in a KV page", engine.pool.page_tokens)
        yield _gauge("shared_pages", "Pages of prefixes in use", engine.prefixes.pages_in_use)
        yield _by_state("pages", "KV pages", self._pages())
        yield self._memory()

    def _pages(self) -> Mapping[str, int]:
        free, kept = self._engine.pool.free, self._engine.prefixes.pages_kept
        return {"free": free, "kept": kept, "used": self._engine.pool.pages - free - kept}

    def _memory(self) -> GaugeMetricFamily:
        text = "Memory of each GPU, by its number among the engine's"
        name = "molmo2_engine_device_memory_bytes"
        family = GaugeMetricFamily(name, text, labels=["device", "state"])
        for device in self._devices:
            for state, value in _memory_of(device).items():
                family.add_metric([str(device.index or 0), state], value)
        return family


def _memory_of(device: torch.device) -> Mapping[str, int]:
    """Nothing of a CPU, whose memory is not the engine's alone."""
    if device.type != "cuda":
        return {}
    free, total = torch.cuda.mem_get_info(device)
    return {"allocated": torch.cuda.memory_allocated(device), "free": free, "total": total}


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"molmo2_engine_{name}", text, value)


def _by_state(name: str, text: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"molmo2_engine_{name}", text, labels=["state"])
    for state, value in values.items():
        family.add_metric([state], value)
    return family
