"""Autoscalers agree with each other, with what they scale, and with what servers publish."""

import re

import pytest
from queries import alerts, keda_query, kserve_query, rules
from rendering import OVERLAYS, container, of_kind, pod, rendered, the
from server_page import published_names

SCALED = ("autoscale-hpa", "autoscale-keda", "production")


def hpa():
    return the("autoscale-hpa", "HorizontalPodAutoscaler", "molmo2")["spec"]


def scaled_object(overlay="autoscale-keda"):
    return the(overlay, "ScaledObject", "molmo2")["spec"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_at_most_one_autoscaler_decides_and_then_nothing_else_does(overlay):
    scalers = of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject")
    assert len(scalers) == (overlay in SCALED)
    for scaler in scalers:
        target = scaler["spec"]["scaleTargetRef"]
        workload = the(overlay, target.get("kind", "Deployment"), target["name"])
        assert "replicas" not in workload["spec"]


def test_the_two_autoscalers_are_twins():
    trigger, _ = scaled_object()["triggers"]
    (metric,) = hpa()["metrics"]
    target = metric["pods"]["target"]
    assert target["type"] == trigger["metricType"] == "AverageValue"
    assert int(target["averageValue"].removesuffix("m")) == 1000 * float(
        trigger["metadata"]["threshold"]
    )
    theirs = scaled_object()["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert theirs == hpa()["behavior"]
    assert scaled_object()["maxReplicaCount"] == hpa()["maxReplicas"]


def test_keda_goes_to_zero_and_wakes_for_the_callers_that_may_call():
    spec = scaled_object()
    assert spec["minReplicaCount"] == 0
    _, callers = spec["triggers"]
    label, _, value = callers["metadata"]["podSelector"].partition("=")
    (policy,) = (
        policy
        for policy in of_kind("autoscale-keda", "NetworkPolicy")
        if policy["metadata"]["name"] == "molmo2-callers"
    )
    for caller in policy["spec"]["ingress"][0]["from"]:
        assert caller["podSelector"]["matchLabels"] == {label: value}
    # As many callers as a cluster has pods ask for one replica: size is the other trigger's.
    assert int(callers["metadata"]["value"]) >= 1000


def test_kserves_scales_as_fast_and_as_far_and_rolls_out_as_gently():
    (service,) = of_kind("kserve", "InferenceService")
    predictor = service["spec"]["predictor"]
    assert predictor["autoScaling"]["behavior"] == hpa()["behavior"]
    assert predictor["maxReplicas"] == hpa()["maxReplicas"]
    (metric,) = predictor["autoScaling"]["metrics"]
    (ours,) = hpa()["metrics"]
    assert metric["external"]["target"] == ours["pods"]["target"]
    deployment = the("gpu", "Deployment", "molmo2")["spec"]
    assert predictor["deploymentStrategy"] == deployment["strategy"]


def test_while_prometheus_is_away_no_pod_is_taken_and_a_fleet_for_most_loads_is_there():
    for overlay in ("autoscale-keda", "production"):
        fallback = scaled_object(overlay)["fallback"]
        assert 0 < fallback["replicas"] < scaled_object(overlay)["maxReplicaCount"]
        assert fallback["behavior"] == "currentReplicasIfHigher"
        # Only of a trigger that fails where it has no answer.
        size, _ = scaled_object(overlay)["triggers"]
        assert size["metadata"]["ignoreNullValues"] == "false"


@pytest.mark.parametrize("query", [keda_query, kserve_query])
def test_queries_look_for_the_targets_of_the_pod_monitor(query):
    (monitor,) = of_kind("autoscale-keda", "PodMonitor")
    (job,) = re.findall(r'job="([^"]+)"', query())
    assert job == f"{monitor['metadata']['namespace']}/{monitor['metadata']['name']}"
    assert "jobLabel" not in monitor["spec"]


@pytest.mark.parametrize("query", [keda_query, kserve_query])
def test_queries_ask_about_the_namespace_that_is_deployed_into(query):
    (named,) = set(re.findall(r'namespace="([^"]+)"', query()))
    namespaces = {thing["metadata"]["namespace"] for thing in rendered("autoscale-keda")}
    assert namespaces == {named}


def test_what_prometheus_is_to_read_is_there():
    (monitor,) = of_kind("autoscale-keda", "PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    ports = {port["name"] for port in container("autoscale-keda", "server")["ports"]}
    assert endpoint["port"] in ports
    assert endpoint["path"] == "/metrics"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod("autoscale-keda")[0].items()


def test_rules_and_queries_name_metrics_that_a_server_publishes(tmp_path):
    recorded = {
        rule["record"] for group in rules()["groups"] for rule in group["rules"] if "record" in rule
    }
    expressions = [rule["expr"] for group in rules()["groups"] for rule in group["rules"]]
    named = {
        name
        for expression in [*expressions, keda_query(), kserve_query()]
        for name in re.findall(r"\bmolmo2[a-z_:0-9]+", re.sub(r'"[^"]*"', "", expression))
    }
    assert len(named) > 8
    assert named <= published_names(tmp_path) | recorded
    assert len(alerts()) == 12
