"""What callers meet at a real nginx with the gateway's configuration."""

import json
import shutil
import socket
import ssl

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from live_gateway import free_port, live_gateway, torchserve_ports
from own_authority import authority, certificate
from told import told_server
from told_grpc import streamed, told_grpc_server

from molmo2_client.wire import inference_pb2, inference_pb2_grpc

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is missing: make k8s-test"
)

TOKENS = '"Bearer first" labelling;\n"Bearer second" labelling;\n"Bearer other" other;\n'
AT_ONCE = 64
"""Calls of one caller, as k8s/base/gateway/limits.conf has it."""
FIRST = {"Authorization": "Bearer first"}
SECOND = {"Authorization": "Bearer second"}


@pytest.fixture(scope="module")
def backends():
    """Where TorchServe's ports are."""
    their_http, their_grpc, their_health = torchserve_ports()
    with told_server() as http, told_grpc_server(AT_ONCE + 4) as port:
        yield {their_http: http, their_grpc: port, their_health: port}


@pytest.fixture(scope="module")
def plain(backends, tmp_path_factory):
    with live_gateway("gpu", tmp_path_factory.mktemp("plain"), TOKENS, backends) as ports:
        yield ports


def post(ports, path="/predictions/molmo2-4b", headers=FIRST, content=b"{}"):
    url = f"http://127.0.0.1:{ports['http']}{path}"
    return httpx2.post(url, headers=headers, content=content, trust_env=False)


@pytest.fixture
def channel(plain):
    with grpc.insecure_channel(f"127.0.0.1:{plain['grpc']}") as channel:
        yield channel


def test_a_grpc_method_that_is_not_there_is_said_so(channel):
    call = channel.unary_unary(
        "/org.pytorch.serve.grpc.management.ManagementAPIsService/ListModels"
    )
    with pytest.raises(grpc.RpcError) as refused:
        call(b"")
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_server_that_is_away_is_unavailable(backends, tmp_path):
    nobody = dict.fromkeys(backends, free_port())
    with (
        live_gateway("gpu", tmp_path, TOKENS, nobody) as ports,
        grpc.insecure_channel(f"127.0.0.1:{ports['grpc']}") as channel,
    ):
        with pytest.raises(grpc.RpcError) as refused:
            stream(channel)
        assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
        away = post(ports)
        assert away.status_code == 503
        assert away.json()["error"]["kind"] == "engine_unavailable"


def stream(channel, metadata=(("authorization", "Bearer first"),)):
    return streamed(channel, metadata)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer third"}, {"Authorization": ""}])
def test_http_without_a_known_token_is_refused(plain, headers):
    assert post(plain, headers=headers).status_code == 401


def test_grpc_without_a_known_token_is_refused(channel):
    for metadata in ((), (("authorization", "Bearer third"),)):
        with pytest.raises(grpc.RpcError) as refused:
            stream(channel, metadata)
        assert refused.value.code() == grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("headers", [FIRST, SECOND])
def test_two_tokens_count_at_once_so_that_one_can_be_replaced(plain, headers):
    assert post(plain, headers=headers).status_code == 200


def test_a_token_goes_no_further_than_the_gateway(plain, channel):
    assert "Authorization" not in post(plain).json()["headers"]
    _, names = stream(channel)
    assert "authorization" not in json.loads(names)


@pytest.mark.parametrize("path", ["/", "/ping", "/models", "/api-description", "/v2/models"])
def test_nothing_but_predictions_is_there(plain, path):
    assert post(plain, path).status_code == 404


def test_an_upload_goes_through_whole(plain):
    answer = post(plain, content=b"x" * 20_000_000).json()
    assert answer["bytes"] == 20_000_000
    assert answer["path"] == "/predictions/molmo2-4b"


def test_an_upload_beyond_torchserves_bound_is_refused_at_once(plain):
    request = (
        "POST /predictions/molmo2-4b HTTP/1.1\r\nHost: molmo2\r\nAuthorization: Bearer first\r\n"
        f"Content-Length: {128 * 2**20 + 1}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", plain["http"]), timeout=10) as caller:
        caller.sendall(request.encode())
        assert b" 413 " in caller.recv(4096).splitlines()[0]


def test_streams_of_grpc_pass(channel):
    assert stream(channel)[0] == b"hello"


def test_a_caller_with_too_many_calls_at_once_is_refused_and_others_are_not(channel):
    stub = inference_pb2_grpc.InferenceAPIsServiceStub(channel)
    wait = inference_pb2.PredictionsRequest(model_name="x", input={"request": b"wait"})
    first = [("authorization", "Bearer first")]
    begun = [stub.StreamPredictions(wait, metadata=first) for _ in range(AT_ONCE)]
    assert all(next(call).prediction == b"begun" for call in begun)
    with pytest.raises(grpc.RpcError) as refused:
        stream(channel, [("authorization", "Bearer second")])  # the same caller's
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "64 requests at once" in refused.value.details()
    assert stream(channel, [("authorization", "Bearer other")])[0] == b"hello"
    for call in begun:
        call.cancel()


def test_health_needs_no_token(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_with_the_tls_overlay_both_transports_are_encrypted(backends, tmp_path):
    tls = tmp_path / "tls"
    tls.mkdir()
    authority(tls)
    certificate(tls, "localhost")
    trusted = ssl.create_default_context(cafile=tls / "ca.crt")
    with live_gateway("tls", tmp_path, TOKENS, backends) as ports:
        url = f"https://localhost:{ports['http']}/predictions/molmo2-4b"
        answer = httpx2.post(url, headers=FIRST, content=b"{}", verify=trusted, trust_env=False)
        assert answer.status_code == 200
        credentials = grpc.ssl_channel_credentials((tls / "ca.crt").read_bytes())
        with grpc.secure_channel(f"localhost:{ports['grpc']}", credentials) as channel:
            assert stream(channel)[0] == b"hello"
        with pytest.raises(httpx2.HTTPError):
            httpx2.post(url.replace("https", "http"), trust_env=False).raise_for_status()
