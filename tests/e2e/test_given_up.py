"""A worker that TorchServe has stopped restarting is replaced, beside others that work on."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace

import pytest
from watched import alive_workers, heals, is_ready, metrics, until, workers

from molmo2_client.serving import running_server
from molmo2_demo.generate import generate

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

WORKERS = 2
GIVES_UP = 3
"""Seconds after which TorchServe tries no more."""
RETRY = 8
"""Seconds without a process: above TorchServe's longest pause before it gives up."""
EMBED = [{"operation": "embed"}]

BREAKS = """
    def initialize(self, context):
        import os
        if os.path.exists(os.environ["MOLMO2_HANDLER_RUN_DIRECTORY"] + "/broken"):
            raise RuntimeError("as asked")
        super().initialize(context)
"""


@pytest.fixture
def fragile(prepare_a_server, make_stage) -> Iterator:
    """Its workers cannot start while the file ``broken`` is in its run directory."""
    with prepare_a_server(
        minWorkers=WORKERS, maxWorkers=WORKERS, maxRetryTimeoutInSec=GIVES_UP
    ) as options:
        (archive,) = options.model_store.glob("*.mar")
        with zipfile.ZipFile(archive) as source:
            files = {name: source.read(name) for name in source.namelist()}
        files["molmo2_service.py"] += BREAKS.encode()  # the class is the last of the file
        with zipfile.ZipFile(archive, "w") as target:
            for name, content in files.items():
                target.writestr(name, content)
        watching = {"watched": True, "watch_options": (f"--retry-seconds={RETRY}",)}
        with running_server(replace(options, **watching)) as server:
            yield make_stage(server, options.allowed_roots[0])


def test_it_is_replaced_and_the_others_answer_meanwhile(fragile):
    server, (video,) = fragile.server, generate(fragile.videos, 1, seed=5)
    until(lambda: is_ready(server), 120, "readiness")
    broken = server.options.run / "broken"
    broken.touch()
    workers(server)[0].kill()
    with fragile.client("grpc", media="path") as client:
        until(lambda: alive_workers(server) < WORKERS, 30, "a loss")

        def healed() -> bool:
            assert client.ask(video.path, EMBED).results[0].status == "ok"
            return heals(server, "retries_exhausted") == 1

        until(healed, 120, "another worker is asked for")
        broken.unlink()
        until(lambda: alive_workers(server) == WORKERS, 60, "all workers")
        assert metrics(server)['molmo2_workers{model="molmo2-demo",state="wanted"}'] == WORKERS
        until(lambda: is_ready(server), 60, "readiness")
