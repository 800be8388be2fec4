"""A pod of the demo's overlay as processes of this machine: weights, archive, server and gateway.

TorchServe, engine and nginx are real; what is another's here is folders and ports.
"""

import shutil
import signal

import pytest
from live_gateway import live_gateway
from process_pod import process_pods

from molmo2_client import Molmo2, errors
from molmo2_demo.generate import generate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is missing: make k8s-test"),
]

OVERLAY = "demo-cpu"
TOKEN = "a-token-of-the-secret"
OFTEN = {"MOLMO2_OPS_INTERVAL": "0.1", "MOLMO2_OPS_CANARY_INTERVAL": "0.1"}
"""So that hardly a look at the server finds no canary in it."""


@pytest.fixture(scope="module")
def pod(tmp_path_factory):
    with process_pods(OVERLAY, [tmp_path_factory.mktemp("pod")], **OFTEN) as (pod,):
        yield pod


@pytest.fixture(scope="module")
def gateway(pod, tmp_path_factory):
    tokens = f'"Bearer {TOKEN}" labelling;\n'
    folder = tmp_path_factory.mktemp("gateway")
    with live_gateway(OVERLAY, folder, tokens, pod.behind()) as ports:
        yield {
            "http": f"http://127.0.0.1:{ports['http']}",
            "grpc": f"grpc://127.0.0.1:{ports['grpc']}",
        }


def client(gateway, transport, token=TOKEN):
    return Molmo2(gateway[transport], model="molmo2-demo", token=token, timeout=60)


def test_nothing_that_a_pod_asks_itself_is_demand(pod):
    """Neither while it loads nor when it is idle: an autoscaler would add pods for it."""
    loading = [number for number in pod.in_flight_while_it_loaded if number is not None]
    assert loading
    assert set(loading) == {0}
    canaries = "molmo2_canaries_total"
    enough = pod.metric(canaries) + 5
    while pod.metric(canaries) < enough:
        assert pod.metric("molmo2_requests_in_flight") == 0


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_callers_with_the_secrets_token_are_answered(gateway, transport, tmp_path):
    (video,) = generate(tmp_path, 1, seed=1)
    with client(gateway, transport) as molmo2:
        assert molmo2.describe(video.path, "What happens in this video?").text
        assert molmo2.info()


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_others_are_not(gateway, transport):
    with client(gateway, transport, token="another") as molmo2, pytest.raises(errors.Unauthorized):
        molmo2.info()


def test_a_pod_that_is_told_to_end_ends_in_order(pod):
    pod.server.send_signal(signal.SIGTERM)
    assert pod.server.wait(120) == 0
    assert "drained in" in pod.log.read_text()
