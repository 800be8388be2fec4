"""Two versions of a model in one server: asked for by name, changed over and back."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from watched import SLOW, health, is_ready, metrics, until

from molmo2_archive.build import Archive, build
from molmo2_client import InvalidRequest, Molmo2Error
from molmo2_client.serving import running_server
from molmo2_demo.generate import generate

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
EMBED = [{"operation": "embed"}]
SERVING, NOT_SERVING = 1, 2


@pytest.fixture(scope="module")
def both(prepare_a_server, make_stage):
    with prepare_a_server(minWorkers=1, maxWorkers=1) as options:
        second = Archive(
            "molmo2-demo",
            str(ROOT / "demo/checkpoint"),
            carry_weights=True,
            config="molmo2-demo",
            changes=("minWorkers=1", "maxWorkers=1", "handler.operations=['embed']"),
            version="2.0",
        )
        assert build(second, options.model_store).name == "molmo2-demo-2.0.mar"
        with running_server(replace(options, watched=True)) as server:
            yield make_stage(server, options.allowed_roots[0])


@pytest.fixture(scope="module")
def video(both):
    (video,) = generate(both.videos, 1, seed=3)
    return video.path


def use(both, version):
    """What an operator types to change over."""
    key = json.loads(both.server.key_file.read_bytes())["management"]["key"]
    address = f"http://127.0.0.1:{both.server.options.ports.management}"
    answer = httpx2.put(
        f"{address}/models/molmo2-demo/{version}/set-default",
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.status_code == 200, answer.text


def scale(both, version, workers):
    key = json.loads(both.server.key_file.read_bytes())["management"]["key"]
    address = f"http://127.0.0.1:{both.server.options.ports.management}"
    answer = httpx2.put(
        f"{address}/models/molmo2-demo/{version}",
        params={"min_worker": workers, "max_worker": workers},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert answer.is_success, answer.text


def alive(both, model):
    return metrics(both.server)[f'molmo2_workers{{model="{model}",state="alive"}}']


def answering(both, transport, model="molmo2-demo"):
    with both.client(transport, model=model) as client:
        return client.info().model.version


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_each_version_answers_by_its_number_and_the_first_without(both, transport, video):
    assert both.server.models == ("molmo2-demo", "molmo2-demo/2.0")
    assert answering(both, transport) == "1.0"
    assert answering(both, transport, "molmo2-demo/1.0") == "1.0"
    assert answering(both, transport, "molmo2-demo/2.0") == "2.0"
    with both.client(transport, model="molmo2-demo/2.0") as client:
        assert client.ask(video, EMBED).results[0].status == "ok"
        with pytest.raises(InvalidRequest, match="answers embed only"):
            client.ask(video, [{"operation": "describe", "prompt": "What?"}])


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_version_that_is_not_there_is_named(both, transport):
    with pytest.raises(InvalidRequest, match=r"no model 'molmo2-demo/3\.0'"):
        answering(both, transport, "molmo2-demo/3.0")


def test_both_have_workers_of_their_own_and_the_server_is_ready_with_both(both):
    until(lambda: is_ready(both.server), 60, "readiness")
    told = metrics(both.server)
    for model in ("molmo2-demo", "molmo2-demo/2.0"):
        assert told[f'molmo2_workers{{model="{model}",state="alive"}}'] == 1
    engines = [name for name in told if name.startswith("molmo2_engine_workers")]
    versions = [f'version="{version}"' in name for name in engines for version in ("1.0", "2.0")]
    assert sorted(versions) == [False, False, True, True]


def test_what_a_version_is_at_is_told_of_it_alone(both, video):
    def in_flight(model: str) -> float:
        return metrics(both.server)[f'molmo2_requests_in_flight{{model="{model}"}}']

    with ThreadPoolExecutor(1) as pool, both.client("grpc", media="path") as client:
        answer = pool.submit(client.ask, video, SLOW)
        until(lambda: in_flight("molmo2-demo") == 1, 60, "a request at the first version")
        assert in_flight("molmo2-demo/2.0") == 0
        answer.result(120)


def test_grpc_health_knows_a_version_that_is_the_default_by_both_names(both):
    until(lambda: is_ready(both.server), 60, "readiness")
    address = f"127.0.0.1:{both.server.options.ports.grpc_health}"
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("molmo2-demo", "molmo2-demo/1.0", "molmo2-demo/2.0"):
            request = health_pb2.HealthCheckRequest(service=name)
            assert stub.Check(request, timeout=10).status == SERVING


def test_a_version_that_is_scaled_to_none_leaves_the_server_ready(both):
    until(lambda: is_ready(both.server), 60, "readiness")
    scale(both, "2.0", 0)
    wanted = 'molmo2_workers{model="molmo2-demo/2.0",state="wanted"}'
    until(lambda: metrics(both.server)[wanted] == 0, 30, "nothing wanted")
    until(lambda: alive(both, "molmo2-demo/2.0") == 0, 30, "no worker")
    assert health(both.server, "readyz") == (200, [])
    address = f"127.0.0.1:{both.server.options.ports.grpc_health}"
    with grpc.insecure_channel(address) as channel:
        request = health_pb2.HealthCheckRequest(service="molmo2-demo/2.0")
        stub = health_pb2_grpc.HealthStub(channel)
        assert stub.Check(request, timeout=10).status == NOT_SERVING
    scale(both, "2.0", 1)
    until(lambda: alive(both, "molmo2-demo/2.0") == 1, 60, "a worker")
    until(lambda: is_ready(both.server), 60, "readiness")


def test_changing_over_and_back_under_load_fails_nobody(both, video):
    outcomes: Counter[str] = Counter()
    stop = Event()

    def ask(transport: str) -> None:
        with both.client(transport, media="path", retries=0) as client:
            while not stop.is_set():
                try:
                    response = client.ask(video, EMBED)
                    outcomes[f"{response.model.version} {response.results[0].status}"] += 1
                except Molmo2Error as error:
                    outcomes[error.kind] += 1

    with ThreadPoolExecutor(2) as pool:
        for transport in ("http", "grpc"):
            pool.submit(ask, transport)
        try:
            for version in ("1.0", "2.0", "1.0"):
                use(both, version)
                answered = f"{version} ok"
                enough = outcomes[answered] + 5
                until(lambda k=answered, n=enough: outcomes[k] > n, 30, f"{version} answers")
        finally:
            stop.set()
    assert set(outcomes) <= {"1.0 ok", "2.0 ok"}, outcomes
    assert health(both.server, "readyz")[0] == 200
