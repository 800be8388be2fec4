"""The page of metrics: TorchServe, its workers and its engines as one, in Prometheus' format."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from molmo2_ops.observation import Observation
from molmo2_ops.readiness import Readiness
from molmo2_ops.worker_counts import WorkerCounts


class _Told(Protocol):
    """What the page is made of, at the moment when it is asked for."""

    seen: Observation
    readiness: Readiness

    def wanted(self, model: str) -> int: ...


class ServerCollector(Collector):
    """What was last seen of the server, as Prometheus' metrics."""

    def __init__(self, told: _Told, counts: WorkerCounts) -> None:
        self._told = told
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        seen, readiness = self._told.seen, self._told.readiness
        yield _flag("molmo2_ready", "Whether the server answers requests now.", readiness.ready)
        yield _flag(
            "molmo2_admitting",
            "Whether the server has been ready since its start and is not being stopped.",
            readiness.admitting,
        )
        yield _flag("molmo2_draining", "Whether the server is being stopped.", readiness.draining)
        yield _flag("molmo2_torchserve_up", "Whether TorchServe answers.", seen.reachable)
        yield from self._models(seen)
        yield from self._counts.read()  # now: they cost nothing to look at
        yield from _engines(seen)

    def _models(self, seen: Observation) -> Iterator[Metric]:
        workers = GaugeMetricFamily(
            "molmo2_workers",
            "Request workers: wanted, alive as processes, or lost by TorchServe for good.",
            labels=["model", "state"],
        )
        pending = _gauge("molmo2_requests_pending", "Requests that wait for a worker.")
        room = _gauge("molmo2_queue_room", "Requests that may still come to wait.")
        in_flight = _gauge(
            "molmo2_requests_in_flight", "Callers' requests, pending and running: no canaries."
        )
        slots = _gauge("molmo2_request_slots", "Requests that could run at once: workers wanted.")
        for model in seen.models:
            wanted = self._told.wanted(model.address)
            workers.add_metric([model.name, "wanted"], wanted)
            workers.add_metric([model.name, "alive"], model.workers.alive)
            workers.add_metric([model.name, "lost"], model.workers.lost)
            pending.add_metric([model.name], model.listed.pending)
            room.add_metric([model.name], model.listed.room)
            in_flight.add_metric([model.name], model.in_flight)
            slots.add_metric([model.name], wanted)
        yield from (workers, pending, room, in_flight, slots)


def page(registries: Iterable[CollectorRegistry]) -> bytes:
    """The text that Prometheus reads."""
    return b"".join(generate_latest(registry) for registry in registries)


def _flag(name: str, text: str, value: bool) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=["model"])


def _engines(seen: Observation) -> Iterator[Metric]:
    """Each engine's own metrics with its name as a label, one family for all engines."""
    up = GaugeMetricFamily("molmo2_engine_up", "Whether the engine lives.", labels=["engine"])
    replaced = CounterMetricFamily(
        "molmo2_engine_replacements", "Engines that took another's place.", labels=["engine"]
    )
    families: dict[str, Metric] = {}
    for engine in seen.engines:
        up.add_metric([engine.name], float(engine.alive))
        replaced.add_metric([engine.name], engine.replaced)
        for told in text_string_to_metric_families(engine.exposition):
            family = families.setdefault(
                told.name, Metric(told.name, told.documentation, told.type)
            )
            for sample in told.samples:
                labels = {**sample.labels, "engine": engine.name}
                family.add_sample(sample.name, labels, sample.value)
    yield from (up, replaced)
    yield from families.values()
