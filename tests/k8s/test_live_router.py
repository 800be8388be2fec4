"""The router's configuration in a real Envoy: a video's requests find the same pod."""

import collections
from contextlib import ExitStack

import httpx2
import pytest
from live_router import configuration, live_router
from rendering import the
from told import told_server

from molmo2_client.video_key import HEADER
from molmo2_client.wire import inference_pb2

PODS = 4


@pytest.fixture(scope="module")
def pods():
    with ExitStack() as stack:
        yield [stack.enter_context(told_server()) for _ in range(PODS)]


@pytest.fixture(scope="module")
def ask(pods, tmp_path_factory):
    folder = tmp_path_factory.mktemp("router")
    with (
        live_router("affinity", folder, {"molmo2": pods, "molmo2-grpc": pods}) as port,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client,
    ):

        def asked(video=None, path="/predictions/molmo2-4b", **headers):
            headers |= {} if video is None else {HEADER: video}
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


def test_a_requests_id_is_passed_on_as_it_came(ask):
    headers = ask("a", **{"X-Request-ID": "caller-8"}).json()["headers"]
    assert {name.lower(): value for name, value in headers.items()}["x-request-id"] == "caller-8"


def test_nothing_but_predictions_is_routed(ask):
    assert ask("a", path="/models").status_code == 404


def test_both_transports_are_routed_alike_by_the_clients_own_key():
    (routes,) = configuration("affinity", "routes.yaml")
    (host,) = routes["virtual_hosts"]
    http, grpc = host["routes"]
    assert http["route"]["hash_policy"] == [{"header": {"header_name": HEADER}}]
    service = inference_pb2.DESCRIPTOR.services_by_name["InferenceAPIsService"].full_name
    assert grpc["match"]["prefix"] == f"/{service}/"
    del http["route"]["cluster"], grpc["route"]["cluster"]
    assert http["route"] == grpc["route"]


def test_both_clusters_balance_alike_and_find_the_headless_services_pods():
    http, grpc = configuration("affinity", "pods.yaml")
    service = the("affinity", "Service", "molmo2-grpc")
    for cluster, port in ((http, 8090), (grpc, 7090)):
        (endpoint,) = cluster.pop("load_assignment")["endpoints"][0]["lb_endpoints"]
        address = endpoint["endpoint"]["address"]["socket_address"]
        assert address == {"address": service["metadata"]["name"], "port_value": port}
        del cluster["name"]
    del grpc["typed_extension_protocol_options"]
    assert http == grpc
