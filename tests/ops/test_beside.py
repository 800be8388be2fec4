"""The watching process as a whole, beside what stands for a TorchServe."""

import subprocess
import sys
import threading
import time

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from molmo2_client.serving import Ports
from molmo2_ops.beside import Beside
from molmo2_ops.settings import OpsSettings

SERVING, NOT_SERVING = 1, 2
PROOF_SECONDS = 3.0


@pytest.fixture
def settings(api, tmp_path):
    ports = Ports.unused()
    return OpsSettings(
        run_directory=tmp_path,
        management=api.url,
        inference=f"http://127.0.0.1:{ports.http}",
        grpc_port=ports.grpc,
        health_port=ports.health,
        grpc_health_port=ports.grpc_health,
        interval=0.05,
        proof_seconds=PROOF_SECONDS,
        canary_timeout=1,
    )


@pytest.fixture
def beside(settings, api, start_jvm, alive):
    """It watches a server with one worker."""
    start_jvm()
    api.min_workers, api.workers = 1, [("9000", alive, "READY")]
    beside = Beside(settings)
    thread = threading.Thread(target=beside.run)
    thread.start()
    yield beside
    beside.stop()
    thread.join()


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def reasons(settings, page):
    url = f"http://127.0.0.1:{settings.health_port}/{page}"
    return httpx2.get(url, timeout=10, trust_env=False).json()["reasons"]


def grpc_status(settings, service):
    with grpc.insecure_channel(f"127.0.0.1:{settings.grpc_health_port}") as channel:
        request = health_pb2.HealthCheckRequest(service=service)
        stub = health_pb2_grpc.HealthStub(channel)
        return stub.Check(request, timeout=10, wait_for_ready=True).status


def prove(beside, settings):
    def ready():
        beside.readiness.generated("m/1.0")
        return reasons(settings, "readyz") == []

    until(ready)
    until(lambda: grpc_status(settings, "m") == grpc_status(settings, "") == SERVING)


def test_looks_that_fail_are_counted_and_end_readiness_everywhere(beside, settings, api):
    prove(beside, settings)
    api.described = dict  # nothing that anybody reckons with
    until(lambda: any("nobody has looked" in each for each in reasons(settings, "readyz")))
    assert "nobody has looked" in reasons(settings, "livez")[0]
    until(lambda: grpc_status(settings, "m") == grpc_status(settings, "") == NOT_SERVING)
    failures = beside._own.get_sample_value("molmo2_watch_failures_total", {"task": "looks"})
    assert failures >= PROOF_SECONDS / settings.interval / 10


def test_it_looks_on_when_looks_succeed_again(beside, settings, api):
    described = api.described
    api.described = dict
    failures = {"task": "looks"}
    until(lambda: beside._own.get_sample_value("molmo2_watch_failures_total", failures))
    api.described = described
    prove(beside, settings)
    assert reasons(settings, "livez") == []


def test_a_canary_that_fails_unforeseen_does_not_end_the_canaries(beside, settings, monkeypatch):
    asked = []

    def ask(model):
        asked.append(model)
        raise KeyError("results")

    monkeypatch.setattr(beside._canary, "ask", ask)
    until(lambda: len(asked) > 2)
    assert any("no turn of canaries" in each for each in wait_for_livez(settings))


def wait_for_livez(settings):
    until(lambda: reasons(settings, "livez"))
    return reasons(settings, "livez")


def test_a_torchserve_that_cannot_be_watched_is_refused_with_what_to_set(settings):
    arguments = {
        name.replace("_", "-"): value
        for name, value in settings.model_dump(exclude_unset=True).items()
    }
    done = subprocess.run(
        [sys.executable, "-m", "molmo2_ops", *(f"--{n}={v}" for n, v in arguments.items())],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    assert "TorchServe cannot be watched" in done.stderr
    assert f"PROMETHEUS_MULTIPROC_DIR={settings.run_directory}/counts" in done.stderr
