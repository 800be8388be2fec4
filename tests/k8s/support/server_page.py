"""The names of all metrics of a server with one model and one engine, from what publishes them."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from molmo2_contract.run_directory import WORKER_COUNTS
from molmo2_engine.metrics.counters import Counters
from molmo2_engine.metrics.gauges import Gauges
from molmo2_ops.beside import Beside
from molmo2_ops.engines import EngineState
from molmo2_ops.management import ListedModel
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.settings import OpsSettings
from molmo2_ops.worker_processes import WorkerCount

_ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


_WORKER = """
from molmo2_handler.accounts import Accounts
with Accounts("molmo2-4b", "1.0", "gpu0").request("http", "1"):
    pass
"""


def published_names(run_directory: Path) -> set[str]:
    """Those with a sample now, and those that will have one when there is something to count."""
    counts = run_directory / WORKER_COUNTS
    counts.mkdir()
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(counts)}
    subprocess.run([sys.executable, "-c", _WORKER], env=environment, check=True)
    beside = Beside(OpsSettings(run_directory=run_directory))
    beside.wanted = lambda model: 16
    listed = ListedModel("molmo2-4b", min_workers=16, workers=(), pending=3, room=13)
    model = ModelState(listed, WorkerCount(alive=16, lost=0), running=16)
    engine = EngineState("gpu0", alive=True, exposition=_engine_page())
    beside.seen = Observation(True, (model,), (engine,))
    return {
        f"{family.name}{ending}"
        for family in text_string_to_metric_families(beside.metrics().decode())
        for ending in _ENDINGS[family.type]
    }


def _engine_page() -> str:
    """Of an engine that does nothing; its gauges read what is given here."""
    registry = CollectorRegistry()
    Counters(registry)
    idle = SimpleNamespace(
        batch=(),
        limits=SimpleNamespace(max_sequences=64),
        scheduler=SimpleNamespace(waiting_jobs=0, waiting_sequences=0),
        stalled_for=lambda: 0.0,
        pool=SimpleNamespace(page_tokens=32, free=10, pages=10),
        prefixes=SimpleNamespace(pages_in_use=0, pages_kept=0),
    )
    registry.register(Gauges(idle, torch.device("cpu")))
    return generate_latest(registry).decode()
