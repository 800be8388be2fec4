"""The gateway's configuration agrees with TorchServe's, with the ports, and with nginx."""

import re

import pytest
from rendering import OVERLAYS, ROOT, container, properties, the

from molmo2_client.serving import Ports
from molmo2_client.wire import inference_pb2
from molmo2_ops.settings import OpsSettings

DIFFERS_IN_A_POD = {"disable_token_authorization", "token_expiration_min"}

each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def gateway(overlay):
    return the(overlay, "ConfigMap", "molmo2-gateway")["data"]


def torchserve(overlay):
    return properties(the(overlay, "ConfigMap", "molmo2-config")["data"]["config.properties"])


@each_overlay
def test_a_pods_torchserve_differs_from_the_repositorys_in_its_tokens_only(overlay):
    ours = properties((ROOT / "config.properties").read_text())
    there = torchserve(overlay)
    different = {n for n in {*ours, *there} if ours.get(n) != there.get(n)}
    assert different == DIFFERS_IN_A_POD


@each_overlay
def test_torchserve_stays_on_loopback(overlay):
    there = torchserve(overlay)
    addresses = [value for name, value in there.items() if name.endswith("_address")]
    assert len(addresses) == 5
    assert all("127.0.0.1" in address for address in addresses)


@each_overlay
def test_the_gateway_passes_on_to_torchserves_ports(overlay):
    nginx = gateway(overlay)["nginx.conf"]
    passed = {int(port) for port in re.findall(r"_pass \w+://127\.0\.0\.1:(\d+);", nginx)}
    there = torchserve(overlay)
    http = int(there["inference_address"].rpartition(":")[2])
    grpc = int(there["grpc_inference_port"])
    assert (http, grpc) == (Ports.http, Ports.grpc), "molmo2 serve sets its own ports"
    assert passed == {http, grpc, Ports.grpc_health}


@each_overlay
def test_the_gateway_listens_where_its_container_says(overlay):
    ports = {port["name"]: port["containerPort"] for port in container(overlay, "gateway")["ports"]}
    listening = re.findall(r"listen (\d+)", gateway(overlay)["listen.conf"])
    assert {int(port) for port in listening} == {ports["http"], ports["grpc"]}
    assert not set(ports.values()) & set(vars(Ports()).values()), "loopback has these already"


@each_overlay
def test_health_is_told_where_the_server_says(overlay):
    server = container(overlay, "server")
    ports = {port["name"]: port["containerPort"] for port in server["ports"]}
    fields = OpsSettings.model_fields
    assert ports["health"] == Ports.health == fields["health_port"].default
    assert ports["grpc-health"] == Ports.grpc_health == fields["grpc_health_port"].default
    environment = {entry["name"]: entry["value"] for entry in server["env"]}
    assert environment["MOLMO2_OPS_ADDRESS"] == "0.0.0.0"


@each_overlay
def test_the_gateway_takes_what_torchserve_takes(overlay):
    (size,) = re.findall(r"client_max_body_size (\d+)m;", gateway(overlay)["nginx.conf"])
    assert int(size) * 2**20 == int(torchserve(overlay)["max_request_size"])


@each_overlay
def test_a_pods_gateway_is_the_repositorys_recipe(overlay):
    assert gateway(overlay)["nginx.conf"] == (ROOT / "ops/gateway/nginx.conf").read_text()
    values = {path.name for path in (ROOT / "ops/gateway").glob("*.conf")}
    assert gateway(overlay).keys() == values


@each_overlay
def test_a_call_without_a_known_token_goes_nowhere(overlay):
    nginx = gateway(overlay)["nginx.conf"]
    service = inference_pb2.DESCRIPTOR.services_by_name["InferenceAPIsService"].full_name
    locations = dict(re.findall(r"location ([^@].*?) \{(.*?)\n        \}", nginx, re.DOTALL))
    passed = {path: inside for path, inside in locations.items() if "_pass" in inside}
    for path in ("/predictions/", re.escape(f"/{service}/")):
        (inside,) = (passed.pop(each) for each in list(passed) if path in each)
        assert re.match(r"\s*auth_request /known;", inside)
    assert re.search(r'internal;\s*if \(\$caller = ""\) \{ return 401; \}', locations["= /known"])
    assert passed.keys() == {"/grpc.health.v1.Health/"}


def test_the_tls_overlay_listens_with_a_certificate():
    listen = gateway("tls")["listen.conf"]
    assert all(" ssl" in line for line in listen.splitlines() if line.startswith("listen"))
    assert "ssl_certificate /etc/molmo2/tls/tls.crt;" in listen
    mounts = {mount["mountPath"] for mount in container("tls", "gateway")["volumeMounts"]}
    assert "/etc/molmo2/tls" in mounts
