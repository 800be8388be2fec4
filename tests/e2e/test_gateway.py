"""The gateway's recipe on a real nginx before a real TorchServe."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from nginx_gateway import CALLERS, Gateway, running_gateway
from watched import until

from molmo2_client import Molmo2Error
from molmo2_client.credentials import read_inference_key
from molmo2_client.serving import RunningServer, running_server
from molmo2_demo.generate import generate

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        shutil.which("nginx") is None, reason="nginx is missing: make test-faults installs it"
    ),
]

EMBED = [{"operation": "embed"}]


@pytest.fixture(scope="module")
def server(prepare_a_server) -> Iterator[RunningServer]:
    with (
        prepare_a_server(minWorkers=2, maxWorkers=2) as prepared,
        running_server(prepared) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def gateway(server, tmp_path_factory) -> Iterator[Gateway]:
    key = read_inference_key(server.key_file)
    with running_gateway(tmp_path_factory.mktemp("gateway"), server.options.ports, key) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def video(server) -> Path:
    return generate(server.options.allowed_roots[0], 1, seed=5)[0].path


@pytest.fixture(autouse=True)
def rested() -> None:
    """The allowance of a caller fills up again."""
    time.sleep(2.5)


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_callers_are_answered_through_the_gateway(gateway, video, transport):
    operations = [{"operation": "describe", "prompt": "What is this?", "max_new_tokens": 8}]
    with gateway.client(transport) as client:
        assert client.ask(video, operations).results[0].text
        assert client.ask(video.read_bytes(), EMBED).results[0].status == "ok"
        *_, done = client.stream(video, operations)
    assert done.event == "done"
    with httpx2.Client(http2=False, verify=gateway.tls) as plain:
        assert plain.get(f"{gateway.url}/").status_code == 404


def test_nothing_is_answered_without_tls(gateway):
    headers = {"Authorization": f"Bearer {CALLERS['anna']}"}
    url = f"http://127.0.0.1:{gateway.port}/predictions/molmo2-demo"
    answer = httpx2.post(url, json={}, headers=headers)
    assert answer.status_code == 400
    assert "plain HTTP request was sent to HTTPS port" in answer.text


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_who_is_unknown_is_unauthorized(gateway, server, video, transport):
    own = read_inference_key(server.key_file)  # TorchServe's own key is no caller's
    for token in ("wrong", own):
        with gateway.client(transport, token) as client, pytest.raises(Molmo2Error) as refused:
            client.ask(video, EMBED)
        assert refused.value.kind == "unauthorized"


def test_a_request_beyond_the_bound_is_too_large(gateway):
    with (
        gateway.client("http", media="upload", max_upload_bytes=2**28) as client,
        pytest.raises(Molmo2Error) as refused,
    ):
        client.ask(bytes(129 * 2**20), EMBED)
    assert refused.value.kind == "too_large"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ping"),
        ("GET", "/predictions/molmo2-demo"),
        ("POST", "/models?url=http://example.org/evil.mar"),
        ("POST", "/explanations/molmo2-demo"),
        ("POST", "/predictions/molmo2-demo/1.0/v1/chat"),
        ("POST", "/predictions/molmo2-demo/v1/chat"),
        ("POST", "/predictions/..%2f..%2fmodels"),
        ("GET", "/metrics"),
        ("POST", "/org.pytorch.serve.grpc.management.ManagementAPIsService/ScaleWorker"),
    ],
)
def test_only_inference_passes_the_gateway(gateway, method, path):
    headers = {"Authorization": f"Bearer {CALLERS['anna']}"}
    answer = httpx2.request(
        method,
        f"{gateway.url}{path}",
        headers=headers,
        verify=gateway.tls,
    )
    assert answer.status_code in (400, 403, 404, 405), answer.text
    assert "torchserve" not in answer.text.lower()


@pytest.mark.parametrize("its_own", [True, False])
@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_the_log_has_callers_and_the_requests_own_ids_and_no_tokens(
    gateway, server, video, transport, its_own
):
    given = f"{transport}-8" if its_own else None
    with gateway.client(transport, "bert") as client:
        name = client.ask(video, EMBED, request_id=given).request_id
    assert given in (None, name)
    until(lambda: f'"{name}"' in gateway.log, 10, "the gateway's line")
    (line,) = (line for line in gateway.log.splitlines() if f'"{name}"' in line)
    assert json.loads(line)["caller"] == "bert"
    assert not re.search("|".join([*CALLERS.values(), str(video)]), gateway.log)
    (engine_log,) = server.options.run.glob("engine-*.log")
    for log in (server.log, engine_log):
        until(lambda log=log: f'"request_id": "{name}"' in log.read_text(), 10, f"{log.name}'s")
