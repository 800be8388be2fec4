"""The wait in TorchServe's queues, added up over looks."""

import time

from prometheus_client import CollectorRegistry

from molmo2_ops.management import ListedModel
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.queue_wait import QueueWait
from molmo2_ops.worker_processes import WorkerCount


def test_requests_that_wait_are_counted_by_the_seconds_between_looks(monkeypatch):
    registry = CollectorRegistry()
    queue_wait = QueueWait(registry)
    for now, pending in [(10.0, 9), (11.0, 4), (11.5, 2), (12.5, 0)]:
        monkeypatch.setattr(time, "monotonic", lambda now=now: now)
        listed = ListedModel("m", 2, (), pending=pending, room=8)
        queue_wait.add(Observation(True, (ModelState(listed, WorkerCount(2, 0), 0),)))
    assert registry.get_sample_value("molmo2_queue_wait_seconds_total", {"model": "m"}) == 5
