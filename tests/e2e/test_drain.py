"""SIGTERM: nothing new is let in, what is in flight is answered over both transports, exit 0."""

import zipfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from molmo2_serve import log_of, served
from watched import SLOW, health, is_ready, metrics, until

from molmo2_archive.build import Archive, build
from molmo2_client import Molmo2, Molmo2Error, Overloaded
from molmo2_client.serving import RunningServer, ServeOptions
from molmo2_demo.generate import generate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SHORT = [{"operation": "embed"}]
IN_FLIGHT = 'molmo2_requests_in_flight{model="molmo2-demo"}'


@pytest.fixture
def options(prepare_a_server) -> Iterator[ServeOptions]:
    with prepare_a_server(minWorkers=2, maxWorkers=2) as options:
        # On a busy machine a canary would wait in the queue, too.
        yield replace(options, environment={"MOLMO2_OPS_CANARY_INTERVAL": "600"})


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def asked(server: RunningServer, url: str, operations, stream: bool = False) -> str:
    """``answered``, or the kind of the error."""
    (root,) = server.options.allowed_roots
    settings = {"model": "molmo2-demo", "key_file": server.key_file, "media": "path"}
    with Molmo2(url, retries=0, **settings) as client:
        try:
            if stream:
                *_, last, _done = client.stream(root / "00.mp4", operations)
                results = [last.result]
            else:
                results = client.ask(root / "00.mp4", operations).results
            return "failed" if "error" in {result.status for result in results} else "answered"
        except Molmo2Error as error:
            return error.kind


def test_what_is_in_flight_is_answered_and_nothing_new_is_let_in(options, pool):
    generate(options.allowed_roots[0], 1, seed=5)
    with served(options, "--grace=240") as server:
        until(lambda: is_ready(server), 300, "readiness")
        inside = psutil.Process(server.process.pid).children(recursive=True)
        running: list[Future[str]] = [
            pool.submit(asked, server, server.http_url, SLOW),
            pool.submit(asked, server, server.grpc_url, SLOW, True),
        ]
        until(lambda: metrics(server)[IN_FLIGHT] == 2, 30, "both workers at work")
        queued = pool.submit(asked, server, server.http_url, SHORT)
        until(lambda: metrics(server)[IN_FLIGHT] == 3, 30, "one that waits")
        server.process.terminate()
        until(lambda: (options.run / "draining").exists(), 30, "the drain")
        assert health(server, "readyz") == (503, ["the server is being drained"])
        assert health(server, "livez") == (200, [])
        new = [pool.submit(asked, server, u, SHORT) for u in (server.http_url, server.grpc_url)]
        assert [each.result(120) for each in running] == ["answered", "answered"]
        assert queued.result(60) == "answered"
        assert [each.result(60) for each in new] == [Overloaded.kind, Overloaded.kind]
        assert server.process.wait(60) == 0
        assert "all 3 requests in flight were answered" in told(options)
        until(lambda: not any(process.is_running() for process in inside), 30, "everything gone")


@pytest.mark.slow
def test_what_is_not_done_when_the_grace_is_over_is_cut_and_said(options, pool):
    generate(options.allowed_roots[0], 1, seed=5)
    with served(options, "--grace=1") as server:
        until(lambda: is_ready(server), 300, "readiness")
        running = pool.submit(asked, server, server.http_url, SLOW)
        until(lambda: metrics(server)[IN_FLIGHT] == 1, 30, "a worker at work")
        server.process.terminate()
        assert server.process.wait(60) == 3
        assert running.result(60) != "answered"
        assert "1 of 1 requests in flight were not answered in time" in told(options)


LATE = """
import time

class Molmo2Service:
    def initialize(self, context):
        time.sleep(600)
"""


@pytest.mark.slow
def test_what_one_model_is_at_is_answered_when_another_still_loads(options, pool):
    generate(options.allowed_roots[0], 1, seed=5)
    late = Archive("molmo2-late", str(ROOT / "demo/checkpoint"), False, "molmo2-demo")
    replaced(build(late, options.model_store), {"molmo2_service.py": LATE})
    with served(options, "--grace=120", until_told="waiting for molmo2-demo") as server:
        until(lambda: is_answering(server), 300, "an answer")
        until(lambda: "waiting for molmo2-late" in told(options), 60, "the other model")
        running = pool.submit(asked, server, server.http_url, SLOW)
        until(lambda: metrics(server).get(IN_FLIGHT) == 1, 60, "a worker at work")
        server.process.terminate()
        assert running.result(120) == "answered"
        assert server.process.wait(300) == 0
        assert "all 1 requests in flight were answered" in told(options)


def is_answering(server: RunningServer) -> bool:
    return server.key_file.exists() and asked(server, server.http_url, SHORT) == "answered"


def told(options: ServeOptions) -> str:
    return log_of(options).read_text()


def replaced(archive: Path, changes: dict[str, str]) -> None:
    """Puts other files into the archive in place of its own."""
    with zipfile.ZipFile(archive) as source:
        files = {name: source.read(name) for name in source.namelist()}
    assert changes.keys() <= files.keys()
    with zipfile.ZipFile(archive, "w") as target:
        for name, content in {**files, **changes}.items():
            target.writestr(name, content)
