"""What one caller, or one address without a token, can take at the gateway, and for how long."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nginx_gateway import CALLERS, RECIPE, Gateway, running_gateway
from told import told_server
from told_grpc import told_grpc_server
from watched import until

from molmo2_client import Molmo2Error
from molmo2_client.serving import Ports

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        shutil.which("nginx") is None, reason="nginx is missing: make test installs it"
    ),
]

EMBED = [{"operation": "embed"}]
RATE = "more than 10 requests a second from this caller"
AT_ONCE = "more than 16 requests at once from this caller"
SECONDS = 2
"""Of the gateway's patience here, where the recipe has 15 with those who send and 60 with those
who read."""


@pytest.fixture(scope="module")
def backend() -> Iterator[Ports]:
    """Servers that answer what they were told, in place of TorchServe."""
    with told_server() as http, told_grpc_server(32) as port:
        yield Ports(http=http, grpc=port, grpc_health=port)


@pytest.fixture
def gateway(backend, tmp_path) -> Iterator[Gateway]:
    """A fresh one, which has met nobody yet."""
    hurry = {
        "client_body_timeout 15s": f"client_body_timeout {SECONDS}s",
        "send_timeout 60s": f"send_timeout {SECONDS}s",
    }
    with running_gateway(tmp_path, backend, "key-of-torchserve", hurry) as gateway:
        yield gateway


def head(caller: str, length: int = 1000) -> bytes:
    return (
        "POST /predictions/molmo2-demo HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {CALLERS.get(caller, caller)}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def asked(gateway: Gateway, times: int, caller: str = "anna") -> list[httpx2.Response]:
    """Answers to so many requests, one after another."""
    headers = {"Authorization": f"Bearer {CALLERS.get(caller, caller)}"}
    with httpx2.Client(verify=gateway.tls, headers=headers) as client:
        url = f"{gateway.url}/predictions/molmo2-demo"
        return [client.post(url, content=b"{}") for _ in range(times)]


def refusals(answers: list[httpx2.Response]) -> set[str]:
    return {answer.json()["error"]["message"] for answer in answers if answer.status_code == 503}


def test_a_caller_who_asks_too_often_is_told_overloaded_and_others_are_not(gateway):
    assert refusals(asked(gateway, 60)) == {f"{RATE}; ask again later"}
    assert [answer.status_code for answer in asked(gateway, 3, "bert")] == [200, 200, 200]


def test_a_caller_who_asks_too_much_at_once_is_told_overloaded_and_others_are_not(gateway):
    with contextlib.ExitStack() as held:
        for _ in range(16):
            held.enter_context(gateway.connection()).sendall(head("anna") + b"{")
        (answer,) = asked(gateway, 1)
        assert refusals([answer]) == {f"{AT_ONCE}; ask again later"}
        assert asked(gateway, 1, "bert")[0].status_code == 200


def test_over_grpc_too(gateway):
    with gateway.client("grpc") as client, ThreadPoolExecutor(8) as pool:

        def ask(_: int) -> str:
            try:
                client.info()
            except Molmo2Error as error:
                return f"{error.kind.value}: {error}"
            return "answered"

        answers = set(pool.map(ask, range(60)))
    assert any(RATE in answer and answer.startswith("overloaded") for answer in answers), answers


def test_who_has_no_token_may_guess_no_faster_than_a_caller_asks(gateway):
    answers = asked(gateway, 60, "guessed")
    assert {answer.status_code for answer in answers} == {401, 503}
    assert refusals(answers) == {f"{RATE}; ask again later"}
    assert asked(gateway, 1)[0].status_code == 200, "callers have limits of their own"


def test_health_is_answered_without_a_token_and_not_without_end(gateway):
    credentials = grpc.ssl_channel_credentials(gateway.certificate.read_bytes())
    with grpc.secure_channel(f"127.0.0.1:{gateway.port}", credentials) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        codes = []
        for _ in range(60):
            try:
                stub.Check(health_pb2.HealthCheckRequest())
            except grpc.RpcError as error:
                codes.append(error.code())
    assert 0 < len(codes) < 60
    assert set(codes) == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert asked(gateway, 1, "guessed")[0].status_code == 401, "and has a limit of its own"


def test_an_upload_that_stalls_is_cut(gateway):
    with gateway.connection() as caller:
        caller.sendall(head("bert") + b"{")
        assert caller.recv(4096) == b"", "nobody is there to be told"
    until(lambda: '"status": 408' in gateway.log, 10, "the gateway's line")


@pytest.fixture
def endless() -> Iterator[tuple[int, threading.Event]]:
    """A server that answers as long as it is read from, and an event of its being cut off."""
    cut = threading.Event()

    def answer(listener: socket.socket) -> None:
        with listener.accept()[0] as caller, contextlib.suppress(OSError):
            caller.recv(4096)
            caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
            while True:
                caller.sendall(bytes(2**16))
        cut.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener,))
        thread.start()
        yield listener.getsockname()[1], cut
        thread.join(60)


def test_who_does_not_read_is_cut_off_and_what_it_held_is_free(endless, tmp_path):
    port, cut = endless
    hurry = {"send_timeout 60s": f"send_timeout {SECONDS}s"}
    ports = Ports(http=port, grpc=port, grpc_health=port)
    with running_gateway(tmp_path, ports, changes=hurry) as gateway, gateway.connection() as caller:
        caller.sendall(head("anna", 2) + b"{}")
        assert caller.recv(16)
        assert cut.wait(30)


@pytest.mark.parametrize("version", ["1.0", "2.0-rc1", "tuned_3"])
def test_every_version_that_an_archive_may_have_passes(gateway, version):
    headers = {"Authorization": f"Bearer {CALLERS['anna']}"}
    url = f"{gateway.url}/predictions/molmo2-demo/{version}"
    answer = httpx2.post(url, headers=headers, content=b"{}", verify=gateway.tls)
    assert answer.json()["path"] == f"/predictions/molmo2-demo/{version}"


def test_a_path_is_sent_on_as_it_was_read(gateway):
    said = head("anna", 2).replace(b"/predictions", b"/models/../predictions")
    said = said.replace(b"-demo ", b"-demo?x=y ").replace(b"Host", b"Connection: close\r\nHost")
    with gateway.connection() as caller, caller.makefile("rb") as answer:
        caller.sendall(said + b"{}")
        assert b'"path": "/predictions/molmo2-demo"' in answer.read()


@pytest.mark.parametrize("told", ["a b", 'a"b', "x" * 129, ""])
def test_an_id_that_would_need_quoting_is_replaced_by_the_gateways(gateway, told):
    headers = {"Authorization": f"Bearer {CALLERS['anna']}", "X-Request-ID": told}
    url = f"{gateway.url}/predictions/molmo2-demo"
    answer = httpx2.post(url, headers=headers, content=b"{}", verify=gateway.tls)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.json()["headers"]["X-Request-ID"] == answer.headers["x-request-id"]


def test_the_operators_command_gives_the_gateway_a_new_key(gateway, tmp_path):
    command = (RECIPE / "new-key").read_text().replace("/etc/molmo2", str(gateway.folder))
    key_file = tmp_path / "key_file.json"
    key_file.write_text(json.dumps({"inference": {"key": "renewed"}}))
    assert told_key(gateway) == "Bearer key-of-torchserve"
    environment = {**os.environ, "MOLMO2_KEY_FILE": str(key_file)}
    subprocess.run(["sh", "-c", command], check=True, env=environment)
    until(lambda: told_key(gateway) == "Bearer renewed", 30, "the new key")


def told_key(gateway: Gateway) -> str:
    time.sleep(0.2)  # within the rate
    return asked(gateway, 1)[0].json()["headers"]["Authorization"]
