"""What never reaches a worker, or loses its worker, is counted too; and so is the wait."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from watched import SLOW, is_ready, metrics, until, workers

from molmo2_client import Molmo2Error, Overloaded, Unauthorized
from molmo2_demo.generate import generate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

EMBED = [{"operation": "embed"}]
IN_FLIGHT = 'molmo2_requests_in_flight{model="molmo2-demo"}'
WAITED = 'molmo2_queue_wait_seconds_total{model="molmo2-demo"}'


@pytest.fixture(scope="module")
def small(stage_a_server):
    with stage_a_server({"watched": True}, minWorkers=1, maxWorkers=1, jobQueueSize=1) as stage:
        until(lambda: is_ready(stage.server), 120, "readiness")
        yield stage


@pytest.fixture(scope="module")
def video(small):
    return generate(small.videos, 1, seed=5)[0].path


@pytest.fixture
def refused(small):
    """How many more of a kind have been refused since the test began."""

    def count(kind, transport):
        name = f'molmo2_refused_total{{kind="{kind}",transport="{transport}"}}'
        return metrics(small.server).get(name, 0)

    before: dict[tuple[str, str], float] = {}

    def refused(kind, transport):
        return count(kind, transport) - before[kind, transport]

    for transport in ("http", "grpc"):
        for kind in ("overloaded", "unauthorized", "worker_died"):
            before[kind, transport] = count(kind, transport)
    return refused


def ask(small, transport, video, operations, **options):
    with small.client(transport, media="path", **{"retries": 0, **options}) as client:
        client.ask(video, operations)


def test_a_full_queue_and_the_wait_in_it(small, video, refused):
    waited = metrics(small.server)[WAITED]
    with ThreadPoolExecutor(2) as pool:
        asked = []
        for wanted in (1, 2):
            # Again where a canary has the place.
            asked.append(pool.submit(ask, small, "http", video, SLOW, retries=20))
            until(lambda n=wanted: metrics(small.server)[IN_FLIGHT] == n, 30, "in flight")
        for transport in ("http", "grpc"):
            with pytest.raises(Overloaded):
                ask(small, transport, video, EMBED)
        for transport in ("http", "grpc"):
            until(lambda t=transport: refused("overloaded", t) == 1, 30, "a count")
        until(lambda: metrics(small.server)[WAITED] > waited + 1, 60, "a wait")
        for each in asked:
            each.result()


def test_a_wrong_token(small, video, refused, tmp_path):
    wrong = tmp_path / "key_file.json"
    wrong.write_text('{"inference": {"key": "wrong"}}')
    with pytest.raises(Unauthorized):
        ask(small, "http", video, EMBED, key_file=wrong)
    until(lambda: refused("unauthorized", "http") == 1, 30, "a count")


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_worker_that_died_at_a_request(small, video, refused, transport):
    until(lambda: is_ready(small.server), 120, "readiness")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, small, transport, video, SLOW)
        until(lambda: metrics(small.server)[IN_FLIGHT] == 1, 30, "in flight")
        workers(small.server)[0].kill()
        with pytest.raises(Molmo2Error):
            asked.result(60)
    until(lambda: refused("worker_died", transport) == 1, 30, "a count")
