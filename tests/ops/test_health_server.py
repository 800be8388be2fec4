"""What callers are told of a server's health, over HTTP and gRPC."""

import json
import threading
from types import SimpleNamespace

import grpc
import httpx2
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from molmo2_client.serving import Ports
from molmo2_ops.health_server import GrpcHealth, http_server

SERVING, NOT_SERVING = 1, 2
NAMES = {"m": "m/1.0", "m/1.0": "m/1.0", "m/2.0": "m/2.0"}


def readiness(*models, ready=True):
    return SimpleNamespace(ready=ready, model_is_ready=lambda address: address in models)


@pytest.fixture
def told():
    port = Ports.unused().grpc_health
    told = GrpcHealth("127.0.0.1", port)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        told.stub = health_pb2_grpc.HealthStub(channel)
        yield told
    told.close()


def status(told, service):
    request = health_pb2.HealthCheckRequest(service=service)
    try:
        return told.stub.Check(request, timeout=10, wait_for_ready=True).status
    except grpc.RpcError as error:
        return error.code()


def test_before_anybody_has_looked_the_server_does_not_serve(told):
    assert status(told, "") == NOT_SERVING
    assert status(told, "m") == grpc.StatusCode.NOT_FOUND


def test_a_model_is_told_by_its_name_and_by_its_version(told):
    told.tell(readiness("m/1.0", ready=False), NAMES)
    assert [status(told, name) for name in ("", *NAMES)] == [
        NOT_SERVING,
        SERVING,
        SERVING,
        NOT_SERVING,
    ]


def test_a_model_that_has_gone_does_not_serve(told):
    told.tell(readiness("m/1.0", "m/2.0"), NAMES)
    told.tell(readiness("m/1.0", "m/2.0"), {"m": "m/2.0", "m/2.0": "m/2.0"})
    assert [status(told, name) for name in NAMES] == [SERVING, NOT_SERVING, SERVING]


def test_when_torchserve_does_not_answer_no_model_serves(told):
    told.tell(readiness("m/1.0", "m/2.0"), NAMES)
    told.tell(readiness(ready=False), {})
    assert {status(told, name) for name in ("", *NAMES)} == {NOT_SERVING}


@pytest.mark.parametrize("page", ["livez", "readyz"])
@pytest.mark.parametrize("reasons", [[], ["the reason"]])
def test_over_http_reasons_are_told(page, reasons):
    judged = SimpleNamespace(why_not=reasons if page == "readyz" else [])
    dead = reasons[0] if reasons and page == "livez" else None
    server = http_server(SimpleNamespace(readiness=judged, why_dead=dead), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    answer = httpx2.get(f"http://127.0.0.1:{server.server_port}/{page}", timeout=10)
    server.shutdown()
    thread.join()
    server.server_close()
    assert answer.status_code == (503 if reasons else 200)
    assert json.loads(answer.text)["reasons"] == reasons
