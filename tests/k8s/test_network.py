"""Who may reach a pod, and what it may reach."""

import json
from ipaddress import ip_address, ip_network

import pytest
from rendering import OVERLAYS, container, containers, of_kind, pod, pods, the

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)


def rules(overlay, direction, labels=None):
    """What all policies allow, ``ingress`` or ``egress``; of those for pods with these labels."""
    found = of_kind(overlay, "NetworkPolicy")
    return [
        rule
        for policy in found
        if labels is None or selected(policy).items() <= labels.items()
        for rule in policy["spec"].get(direction, ())
    ]


def selected(policy):
    return policy["spec"]["podSelector"]["matchLabels"]


def numbered(spec, port):
    """A Service's or a policy's port of these pods as a number.

    A name is looked up as Kubernetes 1.30 does: not among sidecars, which are init containers.
    """
    if isinstance(port, int):
        assert port in open_ports(spec).values()
        return port
    named = {one["name"]: one for each in spec["containers"] for one in each.get("ports", ())}
    return named[port]["containerPort"]


def reached(overlay, labels, spec):
    """Ports of those pods that somebody may reach."""
    return {
        numbered(spec, port["port"])
        for rule in rules(overlay, "ingress", labels)
        for port in rule["ports"]
    }


def open_ports(spec):
    """By name, all containers' alike."""
    return {
        port["name"]: port["containerPort"]
        for one in containers(spec)
        for port in one.get("ports", ())
    }


def test_every_policy_is_for_some_pod_and_every_pod_has_a_default_of_nothing(overlay):
    everybody = [labels for labels, _ in pods(overlay)]
    policies = of_kind(overlay, "NetworkPolicy")
    for policy in policies:
        assert any(selected(policy).items() <= labels.items() for labels in everybody)
    for labels in everybody:
        # With both types named by some policy, all that no policy allows is refused.
        types = {
            kind
            for policy in policies
            if selected(policy).items() <= labels.items()
            for kind in policy["spec"]["policyTypes"]
        }
        assert types == {"Ingress", "Egress"}


def test_every_rule_names_both_whom_and_which_ports(overlay):
    for rule in rules(overlay, "ingress"):
        assert rule["from"]
        assert rule["ports"]
    for rule in rules(overlay, "egress"):
        assert rule["to"]
        assert rule["ports"]


def test_callers_reach_the_gateway_and_prometheus_the_metrics_and_nobody_more(overlay):
    labels, spec = pod(overlay)
    health = {open_ports(spec)["health"]}
    gateway = {port["containerPort"] for port in container(overlay, "gateway")["ports"]}
    assert reached(overlay, labels, spec) == gateway | health
    assert not gateway & health


@pytest.mark.parametrize(
    "address",
    [
        *("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "127.0.0.1", "100.100.0.1"),
        *(
            "fd00:ec2::254",
            "fe80::1",
            "::1",
            "::ffff:10.1.2.3",
            "64:ff9b::a01:203",
            "2002:a01:203::",
        ),
    ],
)
def test_no_policy_lets_a_pod_out_to_private_networks_or_metadata(overlay, address):
    for rule in rules(overlay, "egress"):
        for block in (to["ipBlock"] for to in rule["to"] if "ipBlock" in to):
            network = ip_network(block["cidr"])
            spared = [ip_network(spared) for spared in block.get("except", ())]
            inside = ip_address(address) in network
            assert not inside or any(ip_address(address) in network for network in spared)


def test_services_lead_to_ports_that_policies_open(overlay):
    for service in of_kind(overlay, "Service"):
        ((labels, spec),) = (
            (labels, spec)
            for labels, spec in pods(overlay)
            if service["spec"]["selector"].items() <= labels.items()
        )
        for port in service["spec"]["ports"]:
            assert numbered(spec, port["targetPort"]) in reached(overlay, labels, spec)
            assert port["appProtocol"]


def test_what_a_policy_lets_out_to_is_a_port_of_the_pods_that_it_names(overlay):
    everybody = pods(overlay)
    for rule in rules(overlay, "egress"):
        for to in rule["to"]:
            wanted = to.get("podSelector", {}).get("matchLabels", {})
            if "namespaceSelector" in to or not wanted:
                continue
            ((_, spec),) = (one for one in everybody if wanted.items() <= one[0].items())
            assert all(numbered(spec, port["port"]) for port in rule["ports"])


def the_policy(overlay, name):
    return the(overlay, "NetworkPolicy", name)["spec"]


def test_names_are_asked_of_the_clusters_dns_and_of_nobody_else(overlay):
    (rule,) = the_policy(overlay, "molmo2-names")["egress"]
    (to,) = rule["to"]
    assert to["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "kube-system"}
    assert to["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
    asked = {(port["port"], port["protocol"]) for port in rule["ports"]}
    assert asked == {(53, "UDP"), (53, "TCP")}


def test_metrics_are_read_from_prometheus_namespace_only(overlay):
    (rule,) = the_policy(overlay, "molmo2-metrics")["ingress"]
    (source,) = rule["from"]
    assert source == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    }
    _, spec = pod(overlay)
    assert {numbered(spec, port["port"]) for port in rule["ports"]} == {open_ports(spec)["health"]}


def test_pods_that_need_the_internet_are_let_out_on_the_ports_that_the_server_allows(overlay):
    settings = the(overlay, "ConfigMap", "molmo2-settings")["data"]
    allowed = json.loads(settings["MOLMO2_HANDLER_VIDEO__ALLOWED_PORTS"])
    let_out = of_kind(overlay, "NetworkPolicy")
    if overlay == "demo-cpu":  # its weights are an image, its videos come with the requests
        assert "molmo2-public" not in {one["metadata"]["name"] for one in let_out}
        return
    (rule,) = the_policy(overlay, "molmo2-public")["egress"]
    assert rule["ports"] == [{"port": port, "protocol": "TCP"} for port in allowed]
    assert {to["ipBlock"]["cidr"] for to in rule["to"]} == {"0.0.0.0/0", "2000::/3"}


def test_grpc_callers_find_every_pod(overlay):
    (service,) = (s for s in of_kind(overlay, "Service") if s["metadata"]["name"] == "molmo2-grpc")
    assert service["spec"]["clusterIP"] == "None"
    # A headless Service maps no ports: callers name the container's own.
    (port,) = service["spec"]["ports"]
    assert port["port"] == open_ports(pod(overlay)[1])["grpc"] == port["targetPort"]
