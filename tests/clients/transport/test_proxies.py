"""Proxies of the environment stand between machines, never between a client and its own machine."""

import socket
import threading

import pytest

from molmo2_client import Molmo2, ServerUnreachable

URI = "file:///a.mp4"


@pytest.fixture
def proxied(monkeypatch):
    """Makes the environment name a proxy, and nothing that goes past it."""

    def name(port):
        for variable in ("http_proxy", "https_proxy", "all_proxy"):
            for spelled in (variable, variable.upper()):
                monkeypatch.setenv(spelled, f"http://127.0.0.1:{port}")
        for spelled in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(spelled, raising=False)

    return name


@pytest.fixture
def closed_port():
    """A port that nobody listens on."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.mark.e2e
def test_a_server_on_this_machine_is_called_directly(torchserve, connect, proxied, closed_port):
    proxied(closed_port)
    assert connect().describe(URI, "hello").text == "hello"


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_elsewhere_is_called_through_the_proxy(proxied, scheme):
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        asked: list[bytes] = []

        def listen():
            caller, _ = proxy.accept()
            with caller, caller.makefile("rb") as lines:
                asked.append(lines.readline())

        listening = threading.Thread(target=listen)
        listening.start()
        proxied(proxy.getsockname()[1])
        options = {"model": "echo", "retries": 0, "timeout": 1, "deadline_margin": 1}
        with (
            Molmo2(f"{scheme}://192.0.2.1:9", **options) as client,
            pytest.raises(ServerUnreachable),
        ):
            client.describe(URI, "hello")
        listening.join(10)
    assert b"192.0.2.1:9" in asked[0]
