"""Who may reach a pod."""

import pytest
from policies import numbered, open_ports, reached, rules, selected, the_policy
from rendering import OVERLAYS, container, of_kind, pod, pods

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)


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


def test_metrics_are_read_from_prometheus_namespace_only(overlay):
    (rule,) = the_policy(overlay, "molmo2-metrics")["ingress"]
    (source,) = rule["from"]
    assert source == {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    }
    _, spec = pod(overlay)
    assert {numbered(spec, port["port"]) for port in rule["ports"]} == {open_ports(spec)["health"]}


def test_grpc_callers_find_every_pod(overlay):
    (service,) = (s for s in of_kind(overlay, "Service") if s["metadata"]["name"] == "molmo2-grpc")
    assert service["spec"]["clusterIP"] == "None"
    # A headless Service maps no ports: callers name the container's own.
    (port,) = service["spec"]["ports"]
    assert port["port"] == open_ports(pod(overlay)[1])["grpc"] == port["targetPort"]
