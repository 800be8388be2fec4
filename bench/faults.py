"""Faults to strike a running server with."""

import contextlib
import json
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import psutil
from processes import processes

from molmo2_client import Molmo2, Molmo2Error
from molmo2_client.credentials import read_inference_key
from molmo2_client.serving import RunningServer
from molmo2_client.wire.inference_pb2 import PredictionsRequest
from molmo2_client.wire.inference_pb2_grpc import InferenceAPIsServiceStub
from molmo2_engine.client.engine_lock import EngineLock
from molmo2_ops.management import Management

ASKED = [{"operation": "describe", "prompt": "What is this?", "max_new_tokens": 32}]
CROWD = 24
SLOW_UPLOAD_SECONDS = 5.0

Strike = Callable[[RunningServer, Path], None]


def _signal_a(said: str, number: signal.Signals) -> Strike:
    def strike(server: RunningServer, _: Path) -> None:
        for process, command in processes(server):
            if said in command:
                process.send_signal(number)
                return

    return strike


def _engines(server: RunningServer) -> list[psutil.Process]:
    holders = [lock.holder() for lock in EngineLock.all_in(server.options.run)]
    return [psutil.Process(holder.process) for holder in holders if holder is not None]


def _signal_the_engine(number: signal.Signals) -> Strike:
    def strike(server: RunningServer, _: Path) -> None:
        for engine in _engines(server):
            engine.send_signal(number)

    return strike


def _kill_the_engine_and_what_forked_it(server: RunningServer, _: Path) -> None:
    for engine in _engines(server):
        if (parent := engine.parent()) is not None and "molmo2_engine" in parent.cmdline():
            parent.kill()
        engine.kill()


def _grpc_call(server: RunningServer, video: Path, call: bytes, stream: bool, wait: float) -> None:
    """A unary call of the caller's own making."""
    document = {"video": {"uri": video.as_uri()}, "operations": ASKED, "stream": stream}
    request = PredictionsRequest(
        model_name="molmo2-demo", input={"request": json.dumps(document).encode(), "call": call}
    )
    metadata = [("authorization", f"Bearer {read_inference_key(server.key_file)}")]
    with (
        grpc.insecure_channel(f"127.0.0.1:{server.options.ports.grpc}") as channel,
        contextlib.suppress(grpc.RpcError),
    ):
        InferenceAPIsServiceStub(channel).Predictions(request, timeout=wait, metadata=metadata)


def _lie(server: RunningServer, video: Path) -> None:
    """A unary call that says it streams: TorchServe loses the worker."""
    _grpc_call(server, video, b"stream", stream=True, wait=30)


def _hurry(server: RunningServer, video: Path) -> None:
    _grpc_call(server, video, b"unary", stream=False, wait=0.05)


def _client(server: RunningServer, url: str, **options: object) -> Molmo2:
    given = {"model": "molmo2-demo", "key_file": server.key_file, "media": "path", "retries": 0}
    return Molmo2(url, **{**given, **options})


def _leave(server: RunningServer, video: Path) -> None:
    """A caller who goes in the middle of a stream."""
    with _client(server, server.grpc_url) as client, contextlib.suppress(Molmo2Error):
        events = client.stream(video, ASKED)
        next(events)
        events.close()


def _come_in_a_crowd(server: RunningServer, video: Path) -> None:
    def ask(client: Molmo2) -> None:
        with contextlib.suppress(Molmo2Error):
            client.ask(video, ASKED)

    with _client(server, server.http_url) as client, ThreadPoolExecutor(CROWD) as pool:
        list(pool.map(ask, [client] * CROWD))


def _upload_slowly(server: RunningServer, _: Path) -> None:
    """A body that never comes whole."""
    head = (
        "POST /predictions/molmo2-demo HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {read_inference_key(server.key_file)}",
        "Content-Length: 10000",
    )
    with socket.create_connection(("127.0.0.1", server.options.ports.http)) as caller:
        caller.sendall("\r\n".join([*head, "", ""]).encode())
        until = time.monotonic() + SLOW_UPLOAD_SECONDS
        while time.monotonic() < until:
            caller.sendall(b" ")
            time.sleep(0.5)


def _renew_the_key(server: RunningServer, _: Path) -> None:
    """The operator does; callers read the new one from the key file."""
    address = f"http://127.0.0.1:{server.options.ports.management}"
    management = Management(address, server.key_file)
    management.renew_key("inference")
    management.close()


FAULTS: dict[str, Strike] = {
    "kill -9 of a worker": _signal_a("model_service_worker.py", signal.SIGKILL),
    "a worker is stopped": _signal_a("model_service_worker.py", signal.SIGSTOP),
    "kill -9 of the engine": _signal_the_engine(signal.SIGKILL),
    "kill -9 of the engine and of what forked it": _kill_the_engine_and_what_forked_it,
    "the engine is stopped": _signal_the_engine(signal.SIGSTOP),
    "kill -9 of the process beside TorchServe": _signal_a("molmo2_ops", signal.SIGKILL),
    "a caller lies about its call": _lie,
    "a caller leaves": _leave,
    "a caller hurries": _hurry,
    "a caller uploads slowly": _upload_slowly,
    "a crowd of callers": _come_in_a_crowd,
    "the key is renewed": _renew_the_key,
}
