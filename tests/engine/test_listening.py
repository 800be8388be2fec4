"""The gRPC server of an engine."""

import threading
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2

from molmo2_engine.client.launch import serves
from molmo2_engine.listening import serve
from molmo2_engine.wire import engine_pb2_grpc

CALLS = 4


@pytest.fixture
def listening(tmp_path: Path):
    server, report = serve(engine_pb2_grpc.EngineServicer(), tmp_path / "engine.sock", CALLS)
    with grpc.insecure_channel(f"unix:{tmp_path}/engine.sock") as channel:
        yield channel, report
    server.stop(None).wait()


def test_it_does_not_serve_until_it_is_told_to(listening):
    channel, report = listening
    grpc.channel_ready_future(channel).result(10)
    assert not serves(channel)
    report.set("", health_pb2.HealthCheckResponse.SERVING)
    assert serves(channel)


def test_calls_are_heard_where_no_thread_can_be_started_any_more(listening, monkeypatch):
    channel, report = listening
    report.set("", health_pb2.HealthCheckResponse.SERVING)
    grpc.channel_ready_future(channel).result(10)

    def fail(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    assert all(serves(channel) for _ in range(3 * CALLS))
