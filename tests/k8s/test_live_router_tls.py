"""The router over TLS: a real Envoy in front of real gateways, each end held against a name."""

import copy
import shutil
import ssl
from contextlib import contextmanager

import grpc
import httpx2
import pytest
from live_gateway import live_gateway, torchserve_ports
from live_router import ADMIN, configuration, live_router
from own_authority import authority, certificate
from rendering import the
from told import told_server
from told_grpc import streamed, told_grpc_server

pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is missing: make k8s-test"
)

OVERLAY = "affinity-tls"
PODS, ROUTER = "molmo2-grpc", "localhost"
"""The pods' name in their certificate, and the router's here."""
TOKEN = '"Bearer first" labelling;\n'
FIRST = {"Authorization": "Bearer first"}


@pytest.fixture(scope="module")
def backends():
    http, their_grpc, health = torchserve_ports()
    with told_server() as told, told_grpc_server(4) as port:
        yield {http: told, their_grpc: port, health: port}


@pytest.fixture
def folder(tmp_path):
    """An authority, and a folder each for the pod and the router."""
    authority(tmp_path)
    for place in ("pod", "router"):
        (tmp_path / place / "tls").mkdir(parents=True)
        for name in ("ca.crt", "ca.key"):
            shutil.copy(tmp_path / name, tmp_path / place / "tls")
    certificate(tmp_path / "router" / "tls", ROUTER)
    return tmp_path


@contextmanager
def routed(folder, backends, overlay=OVERLAY):
    """The router's port, in front of a pod of that overlay."""
    with live_gateway(overlay, folder / "pod", TOKEN, backends) as pod:
        pods = {"molmo2": [pod["http"]], "molmo2-grpc": [pod["grpc"]]}
        with live_router(OVERLAY, folder / "router", pods) as port:
            yield port


def post(folder, port, name=ROUTER):
    trusted = ssl.create_default_context(cafile=folder / "ca.crt")
    url = f"https://{name}:{port}/predictions/molmo2-4b"
    return httpx2.post(url, headers=FIRST, content=b"{}", verify=trusted, trust_env=False)


@contextmanager
def channel(folder, port):
    credentials = grpc.ssl_channel_credentials((folder / "ca.crt").read_bytes())
    with grpc.secure_channel(f"{ROUTER}:{port}", credentials) as channel:
        yield channel


def stream(channel):
    return streamed(channel, (("authorization", "Bearer first"),))


def test_both_transports_reach_a_pod_that_proves_its_name(folder, backends):
    certificate(folder / "pod" / "tls", PODS)
    with routed(folder, backends) as port:
        assert post(folder, port).json()["path"] == "/predictions/molmo2-4b"
        with channel(folder, port) as secure:
            assert stream(secure)[0] == b"hello"


def test_callers_who_ask_for_another_name_or_in_plain_text_are_not_served(folder, backends):
    certificate(folder / "pod" / "tls", PODS)
    with routed(folder, backends) as port:
        with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            post(folder, port, name="127.0.0.1")
        with pytest.raises(httpx2.HTTPError):
            httpx2.post(f"http://{ROUTER}:{port}/predictions/x", trust_env=False)


def another_name(tls):
    certificate(tls, "another-service")


def another_authority(tls):
    authority(tls)
    certificate(tls, PODS)


def count(folder, cluster, name):
    """Of connections to a cluster's pods, by Envoy's own statistics."""
    admin = (folder / "router" / ADMIN).read_text().strip()
    stat = f"cluster.{cluster}.ssl.{name}"
    told = httpx2.get(f"http://{admin}/stats", params={"filter": f"^{stat}$"}, trust_env=False)
    return int(told.text.rpartition(": ")[2])


@pytest.mark.parametrize(
    ("prove", "fault"),
    [(another_name, "fail_verify_san"), (another_authority, "fail_verify_error")],
)
def test_what_cannot_prove_that_it_is_a_pod_gets_no_request(folder, backends, prove, fault):
    prove(folder / "pod" / "tls")
    with routed(folder, backends) as port:
        assert post(folder, port).status_code == 503
        assert count(folder, "molmo2", fault) > 0
        with channel(folder, port) as secure, pytest.raises(grpc.RpcError) as told:
            stream(secure)
        assert told.value.code() == grpc.StatusCode.UNAVAILABLE
        assert count(folder, "molmo2-grpc", fault) > 0


def test_a_pod_in_plain_text_gets_no_request(folder, backends):
    with routed(folder, backends, overlay="affinity") as port:
        assert post(folder, port).status_code == 503


@pytest.mark.parametrize("name", ["listener.yaml", "pods.yaml"])
def test_but_for_tls_it_is_the_router_of_affinity(name):
    def without_tls(thing):
        if isinstance(thing, dict):
            return {
                key: without_tls(value) for key, value in thing.items() if key != "transport_socket"
            }
        return [*map(without_tls, thing)] if isinstance(thing, list) else thing

    secured = configuration(OVERLAY, name)
    plain = copy.deepcopy(secured)
    assert without_tls(plain) == configuration("affinity", name) != secured


def test_the_pods_name_is_the_one_that_grpc_callers_ask_for():
    for cluster in configuration(OVERLAY, "pods.yaml"):
        context = cluster["transport_socket"]["typed_config"]
        service = the(OVERLAY, "Service", "molmo2-grpc")["metadata"]["name"]
        (name,) = context["common_tls_context"]["validation_context"][
            "match_typed_subject_alt_names"
        ]
        assert context["sni"] == name["matcher"]["exact"] == service == PODS
