"""What runs beside TorchServe tells the truth about it, and heals it."""

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from watched import (
    SLOW,
    alive_workers,
    engine,
    heals,
    health,
    is_ready,
    metrics,
    running_sequences,
    streamed_into_a_unary_call,
    until,
    workers,
)

from molmo2_client import EngineUnavailable, Molmo2Error
from molmo2_demo.generate import generate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

WORKERS = 3
RECOVERY = 10.0
"""Seconds."""
EMBED = [{"operation": "embed"}]
DESCRIBE = [{"operation": "describe", "prompt": "What is this?", "max_new_tokens": 8}]


def replaced_engines(server):
    told = metrics(server).items()
    return [value for key, value in told if "engine_replacements_total" in key]


@pytest.fixture(scope="module")
def watched(stage_a_server):
    config = {"minWorkers": WORKERS, "maxWorkers": WORKERS, "engine": {"heartbeat_timeout": 3.5}}
    with stage_a_server({"watched": True}, **config) as stage:
        until(lambda: is_ready(stage.server), 60, "readiness")
        yield stage


@pytest.fixture(scope="module")
def video(watched) -> Path:
    return generate(watched.videos, 1, seed=5)[0].path


@pytest.fixture
def load(watched, video) -> Iterator[Counter[str]]:
    """Two callers who ask again and again meanwhile, and what became of their requests."""
    outcomes: Counter[str] = Counter()
    stop = Event()

    def ask(transport: str) -> None:
        with watched.client(transport, media="path", retries=0) as client:
            while not stop.is_set():
                try:
                    outcomes[client.ask(video, EMBED).results[0].status] += 1
                except Molmo2Error as error:
                    outcomes[error.kind] += 1

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask, transport) for transport in ("http", "grpc")]
        yield outcomes
        stop.set()
    assert [each.result() for each in asking] == [None, None]


def test_a_server_is_ready_once_it_has_generated(watched):
    assert health(watched.server, "readyz") == (200, [])
    assert health(watched.server, "livez") == (200, [])
    told = metrics(watched.server)
    assert told['molmo2_canaries_total{model="molmo2-demo",outcome="ok"}'] >= 1
    assert told["molmo2_ready"] == told["molmo2_admitting"] == 1


def test_what_the_server_asks_itself_is_no_request(watched):
    canaries = 'molmo2_canaries_total{model="molmo2-demo",outcome="ok"}'
    lookups = "molmo2_engine_prefix_lookups_total"
    before = metrics(watched.server)
    until(lambda: metrics(watched.server)[canaries] > before[canaries], 60, "a canary")
    after = metrics(watched.server)
    for name in ("molmo2_requests_total", lookups, "molmo2_engine_queue_seconds_count"):
        assert {k: v for k, v in after.items() if k.startswith(name)} == {
            k: v for k, v in before.items() if k.startswith(name)
        }


def test_workers_are_told_by_their_engine(watched):
    told = metrics(watched.server)
    (counted,) = (v for k, v in told.items() if k.startswith("molmo2_engine_workers"))
    (up,) = (v for k, v in told.items() if k.startswith("molmo2_engine_up"))
    assert (counted, up) == (WORKERS, 1)


def test_grpc_health_says_the_same(watched):
    address = f"127.0.0.1:{watched.server.options.ports.grpc_health}"
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "molmo2-demo", "molmo2-demo/1.0"):
            request = health_pb2.HealthCheckRequest(service=service)
            assert stub.Check(request, timeout=10).status == 1


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_both_transports_are_counted(watched, video, transport):
    ok = (
        'molmo2_requests_total{model="molmo2-demo",outcome="ok",'
        f'transport="{transport}",version="1.0"}}'
    )
    bad = ok.replace('"ok"', '"video_not_found"')
    before = metrics(watched.server)
    with watched.client(transport, media="path", retries=0) as client:
        client.ask(video, DESCRIBE)
        list(client.stream(video, DESCRIBE))
        with pytest.raises(Molmo2Error):
            client.ask(video.with_name("absent.mp4"), EMBED)
    after = metrics(watched.server)
    assert after[ok] - before.get(ok, 0) == 2
    assert after[bad] - before.get(bad, 0) == 1


def test_what_is_in_flight_is_told_while_it_is(watched, video):
    name = 'molmo2_requests_in_flight{model="molmo2-demo"}'

    def ask(transport: str) -> None:
        with watched.client(transport, media="path") as client:
            client.ask(video, SLOW)

    with ThreadPoolExecutor(5) as pool:
        asking = [pool.submit(ask, transport) for transport in ("http", "grpc") * 2]
        until(lambda: metrics(watched.server)[name] == 4, 30, "four requests in flight")
        assert metrics(watched.server)['molmo2_requests_pending{model="molmo2-demo"}'] == 1
        for each in asking:
            each.result()
    until(lambda: metrics(watched.server)[name] == 0, 30, "none in flight")
    assert metrics(watched.server)['molmo2_request_slots{model="molmo2-demo"}'] == WORKERS


@pytest.mark.parametrize("count", [1, WORKERS])
def test_workers_that_torchserve_has_lost_are_given_back_under_load(watched, video, load, count):
    uri, before = video.as_uri(), heals(watched.server, "worker_lost")
    until(lambda: load["ok"] >= 2, 60, "load")
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda _: streamed_into_a_unary_call(watched.server, uri), range(count)))
    until(lambda: alive_workers(watched.server) < WORKERS, RECOVERY, "a loss")
    until(lambda: alive_workers(watched.server) == WORKERS, RECOVERY, "all workers")
    assert heals(watched.server, "worker_lost") > before
    answered = load["ok"]
    until(lambda: load["ok"] > answered + 2, 60, "answers")
    assert load.keys() == {"ok"}
    assert len(workers(watched.server)) == WORKERS


def test_a_worker_that_is_killed_is_left_to_torchserve(watched):
    before = heals(watched.server, "worker_lost")
    workers(watched.server)[0].kill()
    until(lambda: alive_workers(watched.server) < WORKERS, RECOVERY, "a loss")
    until(lambda: alive_workers(watched.server) == WORKERS, 30, "all workers")
    assert heals(watched.server, "worker_lost") == before


def test_an_engine_that_hangs_is_replaced_and_its_work_told_so(watched, video):
    until(lambda: metrics(watched.server)["molmo2_ready"] == 1, 30, "readiness")
    first = engine(watched.server)
    with ThreadPoolExecutor(1) as pool, watched.client("http", media="path", retries=0) as client:
        answer = pool.submit(client.ask, video, SLOW)
        until(lambda: running_sequences(watched.server) > 1, 30, "work")
        first.send_signal(signal.SIGSTOP)
        with pytest.raises(EngineUnavailable):
            answer.result(60)

        def another_engine():
            now = engine(watched.server)
            return now is not None and now.pid != first.pid

        until(another_engine, RECOVERY, "another engine")
        until(lambda: is_ready(watched.server), 60, "readiness")
        assert client.describe(video, "What is this?").text
    until(lambda: replaced_engines(watched.server) == [1], RECOVERY, "a look at the new engine")
