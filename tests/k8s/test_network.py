"""Who may reach a pod, and what it may reach."""

from ipaddress import ip_address, ip_network

import pytest
from rendering import OVERLAYS, container, of_kind, pod

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)


def policies(overlay, direction):
    """The rules of all policies for that direction, ``ingress`` or ``egress``."""
    found = of_kind(overlay, "NetworkPolicy")
    return [rule for policy in found for rule in policy["spec"].get(direction, ())]


def open_ports(overlay, name):
    return {port["name"] for port in container(overlay, name)["ports"]}


def test_policies_cover_every_pod(overlay):
    labels, _ = pod(overlay)
    for policy in of_kind(overlay, "NetworkPolicy"):
        assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()


def test_nothing_is_allowed_that_no_policy_names(overlay):
    (nothing,) = (
        policy
        for policy in of_kind(overlay, "NetworkPolicy")
        if policy["metadata"]["name"] == "molmo2-nothing"
    )
    assert nothing["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & set(nothing["spec"])


def test_every_rule_names_both_whom_and_which_ports(overlay):
    for rule in policies(overlay, "ingress"):
        assert rule["from"]
        assert rule["ports"]
    for rule in policies(overlay, "egress"):
        assert rule["to"]
        assert rule["ports"]


def test_callers_reach_the_gateway_and_prometheus_the_metrics_and_nobody_more(overlay):
    reached = {port["port"] for rule in policies(overlay, "ingress") for port in rule["ports"]}
    assert reached == {"http", "grpc", "health"}
    assert {"http", "grpc"} <= open_ports(overlay, "gateway")
    assert "health" in open_ports(overlay, "server")


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "100.100.0.1"],
)
def test_no_policy_lets_a_pod_out_to_private_networks_or_metadata(overlay, address):
    for rule in policies(overlay, "egress"):
        for block in (to["ipBlock"] for to in rule["to"] if "ipBlock" in to):
            network = ip_network(block["cidr"])
            spared = [ip_network(spared) for spared in block.get("except", ())]
            inside = network.version == 4 and ip_address(address) in network
            assert not inside or any(ip_address(address) in network for network in spared)


def test_services_lead_to_the_gateway(overlay):
    labels, _ = pod(overlay)
    services = of_kind(overlay, "Service")
    assert services
    for service in services:
        assert service["spec"]["selector"].items() <= labels.items()
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in open_ports(overlay, "gateway")
            assert port["appProtocol"]


def test_grpc_callers_find_every_pod(overlay):
    (service,) = (s for s in of_kind(overlay, "Service") if s["metadata"]["name"] == "molmo2-grpc")
    assert service["spec"]["clusterIP"] == "None"
    # A headless Service maps no ports: callers name the container's own.
    (port,) = service["spec"]["ports"]
    (target,) = (p for p in container(overlay, "gateway")["ports"] if p["name"] == "grpc")
    assert port["port"] == target["containerPort"]
