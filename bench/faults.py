"""Faults to strike a running server with."""

import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import grpc
from processes import processes

from molmo2_client import Molmo2
from molmo2_client.credentials import read_inference_key
from molmo2_client.serving import RunningServer
from molmo2_client.wire.inference_pb2 import PredictionsRequest
from molmo2_client.wire.inference_pb2_grpc import InferenceAPIsServiceStub
from molmo2_engine.client.engine_lock import EngineLock

STREAMED = {
    "operations": [{"operation": "describe", "prompt": "What is this?", "max_new_tokens": 32}],
    "stream": True,
}


def _strike(said: str, number: signal.Signals) -> Callable[[RunningServer, Path], None]:
    def strike(server: RunningServer, _: Path) -> None:
        for process, command in processes(server):
            if said in command:
                process.send_signal(number)
                return

    return strike


def _strike_the_engine(number: signal.Signals) -> Callable[[RunningServer, Path], None]:
    def strike(server: RunningServer, _: Path) -> None:
        for lock in EngineLock.all_in(server.options.run):
            if (holder := lock.holder()) is not None:
                os.kill(holder.process, number)

    return strike


def _lie(server: RunningServer, video: Path) -> None:
    """A unary call that says it streams: TorchServe loses the worker."""
    document = json.dumps({"video": {"uri": video.as_uri()}, **STREAMED}).encode()
    request = PredictionsRequest(
        model_name="molmo2-demo", input={"request": document, "call": b"stream"}
    )
    metadata = [("authorization", f"Bearer {read_inference_key(server.key_file)}")]
    with (
        grpc.insecure_channel(f"127.0.0.1:{server.options.ports.grpc}") as channel,
        contextlib.suppress(grpc.RpcError),
    ):
        InferenceAPIsServiceStub(channel).Predictions(request, timeout=30, metadata=metadata)


def _leave(server: RunningServer, video: Path) -> None:
    """A caller who goes in the middle of a stream."""
    given = {"model": "molmo2-demo", "key_file": server.key_file, "media": "path", "retries": 0}
    with Molmo2(server.grpc_url, **given) as client, contextlib.suppress(Exception):
        events = client.stream(video, STREAMED["operations"])
        next(events)
        events.close()


FAULTS: dict[str, Callable[[RunningServer, Path], None]] = {
    "kill -9 of a worker": _strike("model_service_worker.py", signal.SIGKILL),
    "kill -9 of the engine": _strike_the_engine(signal.SIGKILL),
    "the engine is stopped": _strike_the_engine(signal.SIGSTOP),
    "a caller lies about its call": _lie,
    "a caller leaves": _leave,
}
