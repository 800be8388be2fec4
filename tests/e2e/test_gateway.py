"""The gateway's recipe on a real nginx before a real TorchServe."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest
from certificates import self_signed
from watched import until

from molmo2_client import Molmo2, Molmo2Error
from molmo2_client.credentials import read_inference_key
from molmo2_client.serving import RunningServer, Tls, running_server
from molmo2_demo.generate import generate

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(shutil.which("nginx") is None, reason="apt-get install -y nginx-light"),
]

RECIPE = Path(__file__).parents[2] / "ops" / "gateway"
EMBED = [{"operation": "embed"}]
CALLERS = {"anna": "token-of-anna", "bert": "token-of-bert"}


@dataclass(frozen=True)
class Gateway:
    """nginx before a server."""

    server: RunningServer
    tls: Tls
    port: int
    log: Path

    def client(self, transport: str, caller: str = "anna", **options: object) -> Molmo2:
        scheme = "https" if transport == "http" else "grpcs"
        given = {"token": CALLERS.get(caller, caller), "ca_file": self.tls.certificate}
        url = f"{scheme}://127.0.0.1:{self.port}"
        return Molmo2(
            url, model="molmo2-demo", **{"media": "path", "retries": 0, **given, **options}
        )


def configured(folder: Path, server: RunningServer, port: int) -> Path:
    """The recipe with this test's ports and folder in place of its own, and nothing else."""
    text = "\n".join(path.read_text() for path in sorted(RECIPE.glob("*.conf")))
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{server.options.ports.http}",
        "127.0.0.1:7070": f"127.0.0.1:{server.options.ports.grpc}",
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/molmo2": str(folder),
        "/tmp/molmo2-gateway": f"{folder}/gateway",
        "access_log /dev/stdout": f"access_log {folder}/access.log",
    }
    assert all(said in text for said in changes)
    for part in ("gateway", "tokens", "torchserve"):
        (folder / part).mkdir()
    for path in RECIPE.glob("*.conf"):
        text = path.read_text()
        for said, meant in changes.items():
            text = text.replace(said, meant)
        (folder / "gateway" / path.name).write_text(text)
    lines = [f'"Bearer {token}" {name};' for name, token in CALLERS.items()]
    (folder / "tokens" / "callers.conf").write_text("\n".join(lines) + "\n")
    key = read_inference_key(server.key_file)
    (folder / "torchserve" / "key.conf").write_text(f'default "Bearer {key}";\n')
    return folder / "gateway" / "nginx.conf"


@pytest.fixture(scope="module")
def gateway(prepare_a_server, tmp_path_factory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway")
    folder.chmod(0o755)
    tls = self_signed(folder)
    os.rename(tls.certificate, folder / "server.pem")
    os.rename(tls.private_key, folder / "server.key")
    tls = Tls(folder / "server.pem", folder / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with (
        prepare_a_server(minWorkers=2, maxWorkers=2) as prepared,
        running_server(replace(prepared)) as server,
    ):
        configuration = configured(folder, server, port)
        user = " user root;" if os.geteuid() == 0 else ""  # the folder is this user's alone
        nginx = subprocess.Popen(["nginx", "-c", configuration, "-g", f"daemon off;{user}"])
        try:
            until(lambda: listens(port), 30, "nginx")
            yield Gateway(server, tls, port, folder / "access.log")
        finally:
            nginx.terminate()
            nginx.wait(30)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def video(gateway) -> Path:
    return generate(gateway.server.options.allowed_roots[0], 1, seed=5)[0].path


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
    with httpx2.Client(http2=False, verify=ssl_context(gateway)) as plain:
        assert plain.get(f"https://127.0.0.1:{gateway.port}/").status_code == 404


def test_nothing_is_answered_without_tls(gateway):
    headers = {"Authorization": f"Bearer {CALLERS['anna']}"}
    url = f"http://127.0.0.1:{gateway.port}/predictions/molmo2-demo"
    answer = httpx2.post(url, json={}, headers=headers)
    assert answer.status_code == 400
    assert "plain HTTP request was sent to HTTPS port" in answer.text


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_who_is_unknown_is_unauthorized(gateway, video, transport):
    own = read_inference_key(gateway.server.key_file)  # TorchServe's own key is no caller's
    for token in ("wrong", own):
        with gateway.client(transport, token) as client, pytest.raises(Molmo2Error) as refused:
            client.ask(video, EMBED)
        assert refused.value.kind == "unauthorized"


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_caller_beyond_its_rate_is_told_overloaded_and_others_are_not(gateway, video, transport):
    def ask(caller: str) -> str:
        with gateway.client(transport, caller, timeout=120) as client:
            try:
                return client.ask(video, EMBED).results[0].status.value
            except Molmo2Error as error:
                return error.kind.value

    with ThreadPoolExecutor(60) as pool:
        flood = [pool.submit(ask, "anna") for _ in range(60)]
        assert ask("bert") == "ok"
        kinds = Counter(each.result() for each in flood)
    assert kinds.keys() == {"ok", "overloaded"}, kinds


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
        f"https://127.0.0.1:{gateway.port}{path}",
        headers=headers,
        verify=ssl_context(gateway),
    )
    assert answer.status_code in (400, 403, 404, 405), answer.text
    assert "torchserve" not in answer.text.lower()


def test_an_upload_that_stalls_is_cut_at_the_gateway(gateway):
    head = (
        "POST /predictions/molmo2-demo HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {CALLERS['bert']}\r\nContent-Length: 1000\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", gateway.port), timeout=60) as plain,
        ssl_context(gateway).wrap_socket(plain, server_hostname="localhost") as caller,
    ):
        caller.sendall(head.encode() + b"{")
        reply = caller.recv(4096)
    assert b"deadline_exceeded" in reply or not reply


def test_the_log_has_callers_and_ids_and_no_tokens(gateway, video):
    with gateway.client("http", "bert") as client:
        client.ask(video, EMBED)
    until(lambda: '"bert"' in gateway.log.read_text(), 10, "the line")
    text = gateway.log.read_text()
    assert not re.search("|".join([*CALLERS.values(), str(video)]), text)
    line = json.loads(text.splitlines()[-1])
    served = gateway.server.log
    until(lambda: line["request_id"] in served.read_text(), 10, "the handler's line")


def ssl_context(gateway: Gateway) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=gateway.tls.certificate)
