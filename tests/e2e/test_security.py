"""Who may call, and what nobody may learn or reach: the tests that docs/security.md names."""

import json
import re
import socket
import ssl
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import psutil
import pytest
from certificates import self_signed
from watched import is_ready, processes, until

from molmo2_client import (
    Molmo2,
    Molmo2Error,
    ProtocolError,
    ServerUnreachable,
    Unauthorized,
    VideoForbidden,
)
from molmo2_client.credentials import read_inference_key
from molmo2_client.serving import RunningServer, running_server
from molmo2_demo.generate import generate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
EMBED = [{"operation": "embed"}]
SECRET = "the prompt that nobody should read in a log"


@pytest.fixture(scope="module")
def server(prepare_a_server, tmp_path_factory) -> Iterator[RunningServer]:
    """A watched server that speaks TLS and makes a new inference key every few seconds."""
    tls = self_signed(tmp_path_factory.mktemp("tls"))
    options = {"watched": True, "tls": tls, "watch_options": ["--renew-keys-every=4"]}
    with (
        prepare_a_server(minWorkers=2, maxWorkers=2) as prepared,
        running_server(replace(prepared, **options)) as server,
    ):
        until(lambda: is_ready(server), 120, "readiness")
        yield server


@pytest.fixture(scope="module")
def video(server) -> Path:
    return generate(server.options.allowed_roots[0], 1, seed=5)[0].path


def client(server, transport="http", **options) -> Molmo2:
    url = server.http_url if transport == "http" else server.grpc_url
    given = {"key_file": server.key_file, "ca_file": server.ca_file, "media": "path"}
    return Molmo2(url, model="molmo2-demo", retries=0, **{**given, **options})


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_calls_are_answered_over_tls(server, video, transport):
    with client(server, transport) as asking:
        assert asking.ask(video, EMBED).results[0].status == "ok"


def test_grpc_is_not_answered_without_tls(server, video):
    url = server.grpc_url.replace("grpcs", "grpc")
    with (
        Molmo2(url, model="molmo2-demo", retries=0) as asking,
        pytest.raises((ServerUnreachable, ProtocolError)),
    ):
        asking.ask(video, EMBED, timeout=5)


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_server_whose_certificate_is_not_trusted_is_not_spoken_to(server, video, transport):
    with (
        client(server, transport, ca_file=None, deadline_margin=1) as asking,
        pytest.raises(ServerUnreachable),
    ):
        asking.ask(video, EMBED, timeout=5)


def test_keys_are_renewed_while_callers_go_on_and_the_old_ones_end(server, video):
    keys: list[str] = []
    until_then = time.monotonic() + 60
    with client(server) as http, client(server, "grpc") as grpc:
        while len(keys) < 3:
            assert time.monotonic() < until_then, keys
            for asking in (http, grpc):
                assert asking.ask(video, EMBED).results[0].status == "ok"
            if (key := read_inference_key(server.key_file)) not in keys:
                keys.append(key)
    with client(server, key_file=None, token=keys[0]) as old, pytest.raises(Unauthorized):
        old.ask(video, EMBED)
    assert not found_in_logs_and_processes(server, keys)


def test_no_key_prompt_or_path_is_in_a_log_or_a_process_list(server, video):
    told = [{"operation": "describe", "prompt": SECRET, "max_new_tokens": 4}]
    for transport in ("http", "grpc"):
        with client(server, transport) as asking:
            asking.ask(video, told)
            with pytest.raises(Molmo2Error):
                asking.ask(video.with_name("absent.mp4"), told)
    keys = [each["key"] for each in json.loads(server.key_file.read_text()).values()]
    words = [*keys, SECRET, str(video), "absent.mp4"]
    assert not found_in_logs_and_processes(server, words)


def found_in_logs_and_processes(server, words: list[str]) -> list[str]:
    """Which of the words are anywhere in the run directory's logs or on a command line."""
    logs = [path for path in server.options.run.glob("**/*.log") if path.is_file()]
    assert {"torchserve.log", "jvm.log", "ts_log.log"} <= {log.name for log in logs}
    texts = [log.read_text(errors="replace") for log in logs]
    texts += [" ".join(process.cmdline()) for process in processes(server, "")]
    return [word for word in words if any(word in text for text in texts)]


def test_the_key_file_is_its_owners_alone(server):
    assert stat.S_IMODE(server.key_file.stat().st_mode) == 0o600


def test_everything_listens_on_loopback_only(server):
    listening = [
        connection.laddr.ip
        for process in processes(server, "")
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 7
    assert all(address in ("127.0.0.1", "::ffff:127.0.0.1") for address in listening), listening


def test_nobody_registers_a_model_or_makes_the_server_fetch_one(server):
    keys = json.loads(server.key_file.read_text())
    authorized = {"Authorization": f"Bearer {keys['management']['key']}"}
    management = f"http://127.0.0.1:{server.options.ports.management}"
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        fetched = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/evil.mar"
        for path in ("/models", "/workflows"):
            answer = httpx2.post(f"{management}{path}", params={"url": fetched}, headers=authorized)
            assert answer.status_code in (400, 403, 404, 405), answer.text
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.mark.parametrize("path", ["/models", "/models/molmo2-demo?min_worker=0"])
def test_the_management_api_wants_its_own_key(server, path):
    inference = {"Authorization": f"Bearer {read_inference_key(server.key_file)}"}
    management = f"http://127.0.0.1:{server.options.ports.management}"
    for headers in ({}, inference):
        method = "PUT" if "?" in path else "GET"
        answer = httpx2.request(method, f"{management}{path}", headers=headers)
        assert "InvalidKeyException" in answer.text


def test_a_file_outside_the_allowed_folders_is_not_read(server, video):
    link = video.with_name("link.mp4")
    link.symlink_to("/etc/passwd")
    with client(server) as asking:
        for path in ("/etc/passwd", f"{video.parent}/../../etc/passwd", str(link)):
            with pytest.raises(VideoForbidden):
                asking.ask(path, EMBED)


def test_a_requests_id_is_the_same_for_the_caller_the_worker_the_engine_and_their_logs(
    server, video
):
    key = read_inference_key(server.key_file)
    headers = {"Authorization": f"Bearer {key}", "X-Request-ID": "gateway-7"}
    request = {"video": {"uri": video.as_uri()}, "operations": EMBED}
    answer = httpx2.post(
        f"{server.http_url}/predictions/molmo2-demo",
        json=request,
        headers=headers,
        verify=ssl.create_default_context(cafile=server.ca_file),
        timeout=60,
    )
    assert answer.json()["request_id"] == "gateway-7"
    with client(server, "grpc") as asking:
        assert asking.ask(video, EMBED, request_id="caller-8").request_id == "caller-8"

    (engine_log,) = server.options.run.glob("engine-*.log")
    for log in (server.log, engine_log):
        for name in ("gateway-7", "caller-8"):
            said = f'"request_id": "{name}"'
            until(lambda log=log, said=said: said in log.read_text(), 30, f"{said} in {log.name}")


def test_every_test_that_the_threat_model_names_exists():
    page = (ROOT / "docs" / "security.md").read_text()
    named = re.findall(r"`([\w/]+\.py)`: `(test_\w+)`", page)
    assert len(named) > 10
    for path, name in named:
        assert f"def {name}(" in (ROOT / "tests" / path).read_text(), f"{path} has no {name}"
