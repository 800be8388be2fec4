"""A pod of the demo's overlay as processes of this machine: weights, archive, server and gateway.

TorchServe, engine and nginx are real; what is another's here is folders and ports.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from live_gateway import live_gateway, torchserve_ports
from prometheus_client.parser import text_string_to_metric_families
from rendering import ROOT, container, option, the

from molmo2_client import Molmo2, errors
from molmo2_client.serving import Ports
from molmo2_demo.generate import generate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is missing: make k8s-test"),
]

OVERLAY = "demo-cpu"
TOKEN = "a-token-of-the-secret"
PROGRAMS = Path(sys.executable).parent
OFTEN = {"MOLMO2_OPS_INTERVAL": "0.1", "MOLMO2_OPS_CANARY_INTERVAL": "0.1"}
"""So that hardly a look at the server finds no canary in it."""


class Pod:
    """Its folders and ports, and the server's process."""

    def __init__(self, folder, ports):
        self.folder, self.ports = folder, ports
        self.in_flight_while_it_loaded = []
        self.model = the(OVERLAY, "ConfigMap", "molmo2-model")["data"]
        for name, text in the(OVERLAY, "ConfigMap", "molmo2-config")["data"].items():
            path = folder / "etc" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def command(self, name):
        """A container's arguments in this machine's folders."""
        arguments = container(OVERLAY, name)["args"]
        for there, here in (
            ("$(NAME)", self.model["NAME"]),
            ("$(REVISION)", self.model["REVISION"]),
            ("/etc/molmo2", str(self.folder / "etc")),
            ("/weights", str(self.folder / "weights")),
            ("/models", str(self.folder / "models")),
            ("/run/molmo2", str(self.folder / "run")),
        ):
            arguments = [argument.replace(there, here) for argument in arguments]
        return [PROGRAMS / arguments[0], *arguments[1:]]

    def prepare(self):
        weights = self.folder / "weights" / self.model["NAME"] / self.model["REVISION"]
        shutil.copytree(ROOT / "demo" / "checkpoint", weights)
        done = subprocess.run(self.command("archive"), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def start(self):
        ports = [
            f"--{name.replace('_', '-')}-port={port}" for name, port in vars(self.ports).items()
        ]
        with (self.folder / "serve.log").open("wb") as log:
            self.server = subprocess.Popen(
                [*self.command("server"), *ports, f"--allow-root={self.folder / 'videos'}"],
                cwd=self.folder,
                env={**os.environ, **OFTEN},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self):
        try:
            url = f"http://127.0.0.1:{self.ports.health}/readyz"
            return httpx2.get(url, trust_env=False, timeout=5).status_code == 200
        except httpx2.HTTPError:
            return False

    def metric(self, name):
        """Its sum over all labels; None where it is not told."""
        page = httpx2.get(f"http://127.0.0.1:{self.ports.health}/metrics", trust_env=False).text
        samples = [
            sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == name
        ]
        return sum(samples) if samples else None

    def look(self):
        """Takes in what is in flight; nothing while nobody tells."""
        with suppress(httpx2.HTTPError):
            self.in_flight_while_it_loaded.append(self.metric("molmo2_requests_in_flight"))


@pytest.fixture(scope="module")
def pod(tmp_path_factory):
    pod = Pod(tmp_path_factory.mktemp("pod"), Ports.unused())
    generate(pod.folder / "videos", 1, seed=1)
    pod.prepare()
    pod.start()
    try:
        until = time.monotonic() + float(
            option(container(OVERLAY, "server")["args"], "start-timeout")
        )
        while not pod.ready():
            assert pod.server.poll() is None, (pod.folder / "serve.log").read_text()
            assert time.monotonic() < until
            pod.look()
            time.sleep(0.5)
        yield pod
    finally:
        pod.server.terminate()
        pod.server.wait(120)


@pytest.fixture(scope="module")
def gateway(pod, tmp_path_factory):
    theirs = torchserve_ports()
    ours = (pod.ports.http, pod.ports.grpc, pod.ports.grpc_health)
    tokens = f'"Bearer {TOKEN}" labelling;\n'
    folder = tmp_path_factory.mktemp("gateway")
    with live_gateway(OVERLAY, folder, tokens, dict(zip(theirs, ours, strict=True))) as ports:
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
def test_callers_with_the_secrets_token_are_answered(pod, gateway, transport):
    (video, *_) = sorted((pod.folder / "videos").glob("*.mp4"))
    with client(gateway, transport) as molmo2:
        assert molmo2.describe(video, "What happens in this video?").text
        assert molmo2.info()


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_others_are_not(gateway, transport):
    with client(gateway, transport, token="another") as molmo2, pytest.raises(errors.Unauthorized):
        molmo2.info()


def test_a_pod_that_is_told_to_end_ends_in_order(pod):
    pod.server.send_signal(signal.SIGTERM)
    assert pod.server.wait(120) == 0
    assert "drained in" in (pod.folder / "serve.log").read_text()
