"""The demo's pod, run from its manifests and the images that `make k8s-image` has built."""

import time

import pytest
from live_gateway import free_port
from played import played
from podman import REGISTRY, kept_volumes, logs, podman
from rendering import container, option

from molmo2_client import Molmo2, errors
from molmo2_demo.generate import generate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(REGISTRY is None, reason="there are no images: make k8s-image"),
]

OVERLAY = "demo-cpu"
TOKEN = "a-token-of-the-secret"
POD = "molmo2-pod-0"


@pytest.fixture(scope="module")
def ports():
    return {"http": free_port(), "grpc": free_port()}


@pytest.fixture(scope="module")
def pod(ports, tmp_path_factory):
    """Whoever uses it finds a pod whose server answers."""
    manifest = played(OVERLAY, TOKEN, ports, tmp_path_factory.mktemp("played") / "pod.yaml")
    before = kept_volumes()
    try:
        started = podman("kube", "play", manifest, check=False)
        assert started.returncode == 0, started.stderr + logs(f"{POD}-archive")
        seconds = float(option(container(OVERLAY, "server")["args"], "start-timeout"))
        until = time.monotonic() + seconds
        while "serving molmo2-demo" not in (told := logs(f"{POD}-server")):
            assert time.monotonic() < until, told
            time.sleep(1)
        yield
    finally:
        podman("kube", "down", manifest, check=False)
        for made in kept_volumes() - before:
            podman("volume", "rm", made)


@pytest.fixture
def client(pod, ports):
    def of(transport, token=TOKEN):
        scheme = {"http": "http", "grpc": "grpc"}[transport]
        url = f"{scheme}://127.0.0.1:{ports[transport]}"
        return Molmo2(url, model="molmo2-demo", token=token, timeout=120)

    return of


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_a_caller_with_the_secrets_token_is_answered_about_a_video(client, transport, tmp_path):
    (video,) = generate(tmp_path, 1, seed=1)
    with client(transport) as molmo2:
        assert molmo2.describe(video.path, "What happens in this video?").text


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_others_are_not(client, transport):
    with client(transport, token="another") as molmo2, pytest.raises(errors.Unauthorized):
        molmo2.info()


def test_nothing_of_it_runs_as_root_or_may_write_where_it_was_not_told_to(pod):
    for name in ("server", "gateway"):
        one = f"{POD}-{name}"
        assert podman("exec", one, "id", "-u").stdout.strip() == "10001"
        assert podman("exec", one, "touch", "/usr/x", check=False).returncode != 0
        assert "NoNewPrivs:\t1" in podman("exec", one, "cat", "/proc/self/status").stdout


def test_it_ends_in_order(pod):
    podman("pod", "stop", "--time=120", POD)
    assert "drained in" in logs(f"{POD}-server")
