"""What TorchServe writes down of requests is said once and has a bound."""

from dataclasses import replace

import pytest

from molmo2_client import Molmo2
from molmo2_client.serving import Ports, running_server

pytestmark = pytest.mark.e2e

LOG_BYTES = 20_000
CALLS = 900
LINE = 1000
"""Bytes of the longest line."""


@pytest.fixture(scope="module")
def run(serve_echo, tmp_path_factory):
    """The run directory of a server that has answered many calls."""
    run = tmp_path_factory.mktemp("logs")
    options = replace(serve_echo, run_directory=run, ports=Ports.unused(), log_bytes=LOG_BYTES)
    with running_server(options) as server:
        for url in (server.http_url, server.grpc_url):
            with Molmo2(url, model="echo", key_file=server.key_file) as client:
                for _ in range(CALLS):
                    client.info()
    return run


def test_every_log_has_a_size_and_so_has_their_sum(run):
    calls = sorted((run / "logs").iterdir())
    names = ["ts_log.log", *(f"ts_log.log.{number}" for number in (1, 2, 3))]
    assert [log.name for log in calls] == names
    assert all(log.stat().st_size < LOG_BYTES + LINE for log in calls)
    logs = [path for path in run.rglob("*") if ".log" in path.name]
    assert sum(log.stat().st_size for log in logs) < 3 * 4 * (LOG_BYTES + LINE)


def test_calls_of_both_transports_have_a_line_with_their_status_and_the_newest_are_there(run):
    lines = (run / "logs" / "ts_log.log").read_text().splitlines()
    assert lines[-1].rpartition('"')[2].split()[0] == "0"  # gRPC's OK
    assert "InferenceAPIsService/Predictions" in lines[-1]


def test_a_call_is_not_said_again_in_the_front_ends_log(run):
    said = "".join(path.read_text() for path in run.glob("torchserve.log*"))
    assert "Torchserve version: 0.12.0" in said
    assert "State change WORKER_STARTED -> WORKER_MODEL_LOADED" in said
    assert len(said.splitlines()) < CALLS / 4
