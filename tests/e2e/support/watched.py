"""A watched server from outside: its health, its metrics, its processes, and lying callers."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx2
import psutil
from prometheus_client.parser import text_string_to_metric_families

from molmo2_client.credentials import read_inference_key
from molmo2_client.serving import RunningServer
from molmo2_client.wire.inference_pb2 import PredictionsRequest
from molmo2_client.wire.inference_pb2_grpc import InferenceAPIsServiceStub
from molmo2_engine.client.engine_lock import EngineLock

SLOW = [{"operation": "comprehensive", "temperature": 2.0, "top_p": 1.0, "max_new_tokens": 400}] * 8
"""Operations that take the demo model some seconds: at this temperature it does not come to an
end by itself, and under a grammar it must write on."""


def until(condition: Callable[[], object], seconds: float, what: str) -> float:
    """Waits for the condition; says how many seconds it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - began


def health(server: RunningServer, page: str) -> tuple[int, list[str]]:
    """The status of /readyz or /livez, and its reasons."""
    answer = httpx2.get(f"{server.health_url}/{page}", timeout=10)
    return answer.status_code, answer.json()["reasons"]


def is_ready(server: RunningServer) -> bool:
    try:
        return health(server, "readyz")[0] == 200
    except httpx2.TransportError:  # it does not listen yet
        return False


def metrics(server: RunningServer) -> dict[str, float]:
    """Every sample, by its name and labels as they are written."""
    page = httpx2.get(f"{server.health_url}/metrics", timeout=10).text
    return {
        _written(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def running_sequences(server: RunningServer) -> float:
    """What the engines generate at the moment."""
    return _sum(metrics(server), "molmo2_engine_running_sequences")


def _sum(told: dict[str, float], name: str, label: str = "") -> float:
    """Over models, versions and engines; NaN, which is neither 0 nor anything else, while nobody
    tells it."""
    found = [value for key, value in told.items() if key.startswith(f"{name}{{") and label in key]
    return sum(found) if found else math.nan


def _written(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inside}}}" if inside else name


def alive_workers(server: RunningServer) -> float:
    return workers_told(server, "alive")


def workers_told(server: RunningServer, state: str) -> float:
    """``state``: alive, lost or wanted."""
    return _sum(metrics(server), "molmo2_workers", f'state="{state}"')


def in_hand(server: RunningServer) -> dict[str, float]:
    """What the server is at: requests that wait, those at workers, and the engine's sequences."""
    told = metrics(server)
    return {
        "waiting": _sum(told, "molmo2_requests_pending"),
        "at workers": _sum(told, "molmo2_requests_running"),
        "generated": _sum(told, "molmo2_engine_running_sequences"),
    }


def heals(server: RunningServer, fault: str) -> int:
    return int(metrics(server)[f'molmo2_heals_total{{fault="{fault}"}}'])


def processes(server: RunningServer, said: str) -> Iterator[psutil.Process]:
    """Those of this server whose command line holds ``said``."""
    inside = psutil.Process(server.process.pid).children(recursive=True)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):
            command = " ".join(process.cmdline())
            if said in command and (process in inside or str(server.options.run) in command):
                yield process


def workers(server: RunningServer) -> list[psutil.Process]:
    return list(processes(server, "model_service_worker.py"))


def unpacked(server: RunningServer, name: str) -> Path:
    """A file of the archive that the server runs: the latest, where one before it was killed."""
    found = (server.options.run / "tmp/models").glob(f"*/{name}")
    return max(found, key=lambda path: path.parents[name.count("/")].stat().st_ctime)


def engine(server: RunningServer) -> psutil.Process | None:
    for lock in EngineLock.all_in(server.options.run):
        if (holder := lock.holder()) is not None and psutil.pid_exists(holder.process):
            return psutil.Process(holder.process)
    return None


def streamed_into_a_unary_call(server: RunningServer, uri: str) -> grpc.StatusCode:
    """Says that it makes the streaming call and makes the other: TorchServe loses a worker."""
    document = {
        "video": {"uri": uri},
        "operations": [{"operation": "describe", "prompt": "What is this?"}],
        "stream": True,
    }
    request = PredictionsRequest(
        model_name="molmo2-demo",
        input={"request": json.dumps(document).encode(), "call": b"stream"},
    )
    metadata = [("authorization", f"Bearer {read_inference_key(server.key_file)}")]
    with grpc.insecure_channel(f"127.0.0.1:{server.options.ports.grpc}") as channel:
        try:
            InferenceAPIsServiceStub(channel).Predictions(request, timeout=30, metadata=metadata)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK
