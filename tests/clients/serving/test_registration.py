"""Which archives can be registered where an operator turns TorchServe's model API on."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx2
import pytest

from molmo2_client.serving import Ports, RunningServer, running_server

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def server(serve_echo, tmp_path_factory) -> Iterator[RunningServer]:
    """The project's configuration but for the model API; beside its store lies an archive."""
    run = tmp_path_factory.mktemp("api")
    (run / "store").mkdir()
    shutil.copy(serve_echo.model_store / "echo.mar", run / "store")
    shutil.copy(serve_echo.model_store / "narrow.mar", run / "store")
    (run / "outside").mkdir()
    shutil.copy(serve_echo.model_store / "narrow.mar", run / "outside" / "evil.mar")
    properties = run / "base.properties"
    properties.write_text(serve_echo.properties.read_text() + "\nenable_model_api=true\n")
    options = replace(
        serve_echo,
        model_store=run / "store",
        models=["echo"],
        run_directory=run,
        properties=properties,
        ports=Ports.unused(),
    )
    with running_server(options) as server:
        yield server


@pytest.fixture
def register(server) -> Callable[[str], httpx2.Response]:
    keys = json.loads(server.key_file.read_text())
    headers = {"Authorization": f"Bearer {keys['management']['key']}"}
    management = f"http://127.0.0.1:{server.options.ports.management}/models"
    return lambda url: httpx2.post(management, params={"url": url}, headers=headers, timeout=60)


def test_an_archive_outside_the_store_is_not_registered(server, register):
    outside = server.options.run / "outside" / "evil.mar"
    assert outside.is_file()
    assert "does not match any allowed URL" in register(f"file://{outside}").text


@pytest.mark.parametrize("climbing", ["file:///dev/null/../..{run}/outside", "../outside"])
def test_nor_by_a_path_that_begins_as_what_is_allowed_and_climbs(server, register, climbing):
    url = climbing.format(run=server.options.run) + "/evil.mar"
    assert "Relative path is not allowed" in register(url).text


def test_one_of_the_store_is(register):
    assert register("narrow.mar").status_code in (200, 409)
