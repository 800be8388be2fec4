"""A gRPC server on a Unix socket, and how it refuses a call."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from molmo2_contract.errors import Molmo2Error
from molmo2_engine.client.channel import CHANNEL_OPTIONS, ERROR_TRAILER
from molmo2_engine.wire import engine_pb2_grpc


class ReadyThreads(ThreadPoolExecutor):
    """Has all its threads from the start.

    Where memory is short no thread can be started, and gRPC's own, which hands the calls to these,
    would end of that: the server would stay, and hear no call any more.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count, thread_name_prefix="call")
        all_there = threading.Barrier(count + 1)
        for _ in range(count):
            self.submit(all_there.wait)
        all_there.wait()


def serve(
    service: engine_pb2_grpc.EngineServicer, socket: Path, max_calls: int
) -> tuple[grpc.Server, health.HealthServicer]:
    """Starts to listen; the health service says NOT_SERVING until it is told otherwise."""
    server = grpc.server(ReadyThreads(max_calls), options=CHANNEL_OPTIONS)
    engine_pb2_grpc.add_EngineServicer_to_server(service, server)
    health_service = health.HealthServicer()
    health_service.set("", health_pb2.HealthCheckResponse.NOT_SERVING)  # it begins with SERVING
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server, health_service


def refuse(context: grpc.ServicerContext, error: Molmo2Error) -> NoReturn:
    """Ends a call with an error of the contract."""
    context.set_trailing_metadata([(ERROR_TRAILER, error.to_wire().model_dump_json())])
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, error.message)
