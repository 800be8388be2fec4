"""A gRPC server that answers what it was told, behind a gateway or a router."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from molmo2_client.wire import inference_pb2, inference_pb2_grpc


class _Told(inference_pb2_grpc.InferenceAPIsServiceServicer):
    """Streams its input back, and the metadata that came with it; ``wait`` has it wait between."""

    def StreamPredictions(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        if request.input["request"] == b"wait":
            yield inference_pb2.PredictionResponse(prediction=b"begun")
            ended = Event()
            context.add_callback(ended.set)
            ended.wait()
        yield inference_pb2.PredictionResponse(prediction=request.input["request"])
        names = [name for name, _ in context.invocation_metadata()]
        yield inference_pb2.PredictionResponse(prediction=json.dumps(names).encode())


@contextmanager
def told_grpc_server(calls: int) -> Iterator[int]:
    """Its port, for so many calls at once; it answers for its health too."""
    server = grpc.server(ThreadPoolExecutor(calls))
    inference_pb2_grpc.add_InferenceAPIsServiceServicer_to_server(_Told(), server)
    health_pb2_grpc.add_HealthServicer_to_server(health.HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()


def streamed(channel: grpc.Channel, metadata: tuple[tuple[str, str], ...]) -> list[bytes]:
    """What such a server answers to ``hello``."""
    stub = inference_pb2_grpc.InferenceAPIsServiceStub(channel)
    request = inference_pb2.PredictionsRequest(model_name="x", input={"request": b"hello"})
    return [answer.prediction for answer in stub.StreamPredictions(request, metadata=metadata)]
