"""How long requests wait for a worker in TorchServe's queues, which it does not tell."""

import time

from prometheus_client import CollectorRegistry, Counter

from molmo2_ops.observation import Observation


class QueueWait:
    """Adds up, look by look, the requests that wait times the seconds since the look before."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waited = Counter(
            "molmo2_queue_wait_seconds",
            "Seconds that requests have waited for a worker, all together: its rate by that of "
            "molmo2_requests_total is the mean wait. Summed over looks: what waits between two "
            "of them only is not seen.",
            ["model"],
            registry=registry,
        )
        self._looked: float | None = None

    def add(self, seen: Observation) -> None:
        """Takes in one look."""
        now, before = time.monotonic(), self._looked
        self._looked = now
        for model in seen.models:
            seconds = 0.0 if before is None else now - before
            self._waited.labels(model.name).inc(model.listed.pending * seconds)
