"""What is read of an engine when somebody asks."""

import pytest
import torch
from stepped_engine import SteppedEngine

from molmo2_engine.metrics.gauges import Gauges


@pytest.fixture
def engine(checkpoint, layout):
    return SteppedEngine(checkpoint, layout).engine


def test_the_memory_of_every_gpu_that_the_model_lies_on_is_told(engine, monkeypatch):
    devices = [torch.device("cuda", number) for number in range(2)]
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10 + device.index, 100))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 5 + device.index)
    (memory,) = (
        family
        for family in Gauges(engine, *devices).collect()
        if family.name == "molmo2_engine_device_memory_bytes"
    )
    told = {(s.labels["device"], s.labels["state"]): s.value for s in memory.samples}
    assert told == {
        ("0", "allocated"): 5,
        ("0", "free"): 10,
        ("0", "total"): 100,
        ("1", "allocated"): 6,
        ("1", "free"): 11,
        ("1", "total"): 100,
    }
