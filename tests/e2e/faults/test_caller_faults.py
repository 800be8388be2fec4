"""Faults of callers: those who leave, wait, lie, hurry, or come too many at once."""

import contextlib
import json
import socket
import time
from collections import Counter

import grpc
import pytest
from fault_table import RECOVERY
from watched import SLOW, heals, in_hand, streamed_into_a_unary_call, until

from molmo2_client import Molmo2Error
from molmo2_client.credentials import read_inference_key
from molmo2_client.wire.inference_pb2 import PredictionsRequest
from molmo2_client.wire.inference_pb2_grpc import InferenceAPIsServiceStub
from molmo2_ops.management import Management

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHORT = [{"operation": "embed"}]


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_caller_who_leaves_in_the_middle_of_a_stream(scene, transport):
    with scene.fault(f"a caller leaves in the middle of a stream ({transport})") as blow:
        with scene.client(transport) as client:
            events = client.stream(scene.good, SLOW)
            next(events)
            blow.strikes()
            events.close()
        blow.ends("it has left")


def raw_http(scene, document: dict, length: int | None = None) -> socket.socket:
    """A connection with a request on it; ``length`` claims a longer body than is sent."""
    body = json.dumps(document).encode()
    ports, token = scene.server.options.ports, read_inference_key(scene.server.key_file)
    head = (
        "POST /predictions/molmo2-demo HTTP/1.1",
        f"Host: 127.0.0.1:{ports.http}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}",
    )
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    caller.connect(("127.0.0.1", ports.http))
    caller.sendall("\r\n".join([*head, "", ""]).encode() + body)
    return caller


def asked(scene, operations: list[dict], stream: bool) -> dict:
    uri = {"uri": scene.good.as_uri()}
    return {"video": uri, "operations": operations, "stream": stream}


def test_a_caller_who_never_reads(scene):
    with scene.fault("a caller never reads the answer that is streamed to it") as blow:
        blow.strikes()
        with raw_http(scene, asked(scene, SLOW, stream=True)):
            scene.worker_at_work()
            time.sleep(5)
        blow.ends("it has left")


def test_a_slow_upload(scene):
    with scene.fault("an upload of a byte every half second") as blow:
        blow.strikes()
        with raw_http(scene, asked(scene, SHORT, stream=False), length=10_000) as caller:
            for _ in range(8):
                caller.sendall(b" ")
                time.sleep(0.5)
            with scene.bystanders.resting():
                until(lambda: not any(in_hand(scene.server).values()), RECOVERY, "idle workers")
                caller.sendall(b" ")
            blow.ends("it holds a connection, no worker")


def raw_grpc(scene, method: str, operations: list[dict], timeout: float, call: bytes) -> str:
    """What a gRPC caller of its own making sees: ``answered``, or the status."""
    ports, token = scene.server.options.ports, read_inference_key(scene.server.key_file)
    document = json.dumps(asked(scene, operations, stream=False)).encode()
    request = PredictionsRequest(
        model_name="molmo2-demo", input={"request": document, "call": call}
    )
    metadata = [("authorization", f"Bearer {token}")]
    with grpc.insecure_channel(f"127.0.0.1:{ports.grpc}") as channel:
        reply = getattr(InferenceAPIsServiceStub(channel), method)
        try:
            answer = reply(request, timeout=timeout, metadata=metadata)
            messages = [answer] if method == "Predictions" else list(answer)
        except grpc.RpcError as error:
            return error.code().name
    (told,) = (message.prediction for message in messages if message.prediction)
    return "answered" if b'"results"' in told else "refused"


def test_a_streaming_call_that_wants_no_stream(scene):
    with scene.fault("`StreamPredictions` with `stream: false`") as blow:
        blow.strikes()
        told = raw_grpc(scene, "StreamPredictions", SHORT, 30, b"unary")
        blow.ends("answered, in one message")
        assert told == "answered"


def test_a_plain_call_that_says_it_streams(scene):
    name = "`Predictions` with `stream: true` that says it is the other"
    with scene.fault(name, leaves="a name in TorchServe's list of workers", lost_workers=1) as blow:
        blow.strikes()
        before = heals(scene.server, "worker_lost")
        told = streamed_into_a_unary_call(scene.server, scene.good.as_uri())
        blow.ends("`OK` without an answer; TorchServe loses the worker")
        assert told is grpc.StatusCode.OK
        until(lambda: heals(scene.server, "worker_lost") > before, RECOVERY, "a heal")


def test_a_deadline_of_grpc(scene):
    with scene.fault("a gRPC deadline of 0.3 s") as blow:
        blow.strikes()
        told = raw_grpc(scene, "Predictions", SLOW, 0.3, b"unary")
        blow.ends(f"`{told}`")
        assert told == "DEADLINE_EXCEEDED"


def test_a_token_that_has_ended(scene):
    with scene.fault("a token that was renewed by the operator") as blow:
        old = read_inference_key(scene.server.key_file)
        address = f"http://127.0.0.1:{scene.server.options.ports.management}"
        management = Management(address, scene.server.key_file)
        management.renew_key("inference")
        management.close()
        blow.strikes()
        kinds = {scene.ask(each, SHORT, token=old) for each in ("http", "grpc")}
        blow.ends("`unauthorized`")
        assert kinds == {"unauthorized"}
        assert read_inference_key(scene.server.key_file) != old


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket")  # httpx2's, of a refused one
def test_more_callers_than_the_queue_has_room_for(scene):
    with scene.fault("40 callers at once, beyond workers and places to wait") as blow:
        blow.strikes()
        asking = [scene.pool.submit(timed, scene, transport) for transport in ("http", "grpc") * 20]
        told = [each.result() for each in asking]
        kinds = Counter(kind for kind, _ in told)
        refused = max(seconds for kind, seconds in told if kind == "overloaded")
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        blow.ends(f"{counts}, the last of those in {refused:.2f} s")
        assert kinds.keys() == {"answered", "overloaded"}
        assert refused < 1.0, "40 threads of one process on two cores share that time"


def timed(scene, transport: str) -> tuple[str, float]:
    with scene.client(transport, retries=0) as client:
        with contextlib.suppress(Molmo2Error):
            client.info()  # the connection stands, and the library is loaded
        began = time.monotonic()
        try:
            client.ask(scene.good, [{**SLOW[0], "max_new_tokens": 100}])
        except Molmo2Error as error:
            return error.kind.value, time.monotonic() - began
        return "answered", time.monotonic() - began
