"""What the router is for: behind it two real pods encode each video once."""

import itertools
import shutil
import time
from contextlib import ExitStack

import pytest
from live_gateway import live_gateway
from live_router import live_router
from process_pod import process_pods

from molmo2_client import Molmo2
from molmo2_contract.operations import Describe
from molmo2_demo.generate import generate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is missing: make k8s-test"),
]

SERVER, ROUTER = "demo-cpu", "affinity"
TOKEN = "a-token-of-the-secret"
VIDEOS, QUESTIONS = 6, 4
QUIET = {"MOLMO2_OPS_CANARY_INTERVAL": "3600", "MOLMO2_OPS_INTERVAL": "0.1"}
"""A canary looks for its picture's prefix, too; and what is told is as old as the last look."""


@pytest.fixture(scope="module")
def pods(tmp_path_factory):
    folders = [tmp_path_factory.mktemp("pod") for _ in range(2)]
    with process_pods(SERVER, folders, **QUIET) as pods:
        yield pods


@pytest.fixture(scope="module")
def gateways(pods, tmp_path_factory):
    """The ports of each pod's."""
    with ExitStack() as running:
        yield [
            running.enter_context(
                live_gateway(
                    SERVER,
                    tmp_path_factory.mktemp("gateway"),
                    f'"Bearer {TOKEN}" labelling;\n',
                    pod.behind(),
                )
            )
            for pod in pods
        ]


@pytest.fixture(scope="module")
def router(gateways, tmp_path_factory):
    ports = {"molmo2": "http", "molmo2-grpc": "grpc"}
    behind = {name: [one[port] for one in gateways] for name, port in ports.items()}
    with live_router(ROUTER, tmp_path_factory.mktemp("router"), behind) as port:
        yield port


def asking(address):
    return Molmo2(address, model="molmo2-demo", token=TOKEN, timeout=120)


def lookups(pods, **result):
    """By all pods; ``result`` is what came of them."""
    found = [pod.metric("molmo2_engine_prefix_lookups_total", **result) for pod in pods]
    return sum(filter(None, found))


def hit_rate(pods, addresses, folder, seed):
    """Of all questions about each of some new videos, asked at one address after the other."""
    videos, asked = generate(folder, VIDEOS, seed=seed), VIDEOS * QUESTIONS
    before, hits = lookups(pods), lookups(pods, result="hit")
    with ExitStack() as open_clients:
        clients = [open_clients.enter_context(asking(address)) for address in addresses]
        turns = itertools.cycle(clients)
        for number in range(QUESTIONS):
            question = Describe(prompt=f"What is in place {number}?", max_new_tokens=2)
            for video in videos:
                assert next(turns).ask(video.path, question).results[0].error is None
            if len(clients) > 1:
                next(turns)  # each video is asked about elsewhere than before
    until = time.monotonic() + 30
    while lookups(pods) < before + asked:
        assert time.monotonic() < until
        time.sleep(0.1)
    return (lookups(pods, result="hit") - hits) / asked


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_through_the_router_each_video_is_encoded_by_one_pod_once(
    pods, router, tmp_path, transport
):
    seed = {"http": 11, "grpc": 12}[transport]
    rate = hit_rate(pods, [f"{transport}://127.0.0.1:{router}"], tmp_path, seed)
    print(f"{transport}: {rate:.2f} of the requests found their prefix")
    assert rate == 1 - 1 / QUESTIONS


def test_without_it_each_pod_encodes_each_video(pods, gateways, tmp_path):
    addresses = [f"http://127.0.0.1:{one['http']}" for one in gateways]
    rate = hit_rate(pods, addresses, tmp_path, seed=13)
    print(f"{rate:.2f} of the requests found their prefix")
    assert rate == 1 - len(pods) / QUESTIONS
