"""A real API server, older than our manifests, takes them as if it should keep them."""

import copy

import pytest
from lab.api_server import Refused
from lab.dry_run import judge
from lab.older import as_of
from rendering import OVERLAYS, rendered, the

pytestmark = pytest.mark.slow

OTHERWISE = {
    "autoscaling/v2 is autoscaling/v2beta2",
    "no preStop.sleep",
    "no unhealthyPodEvictionPolicy",
    "policy/v1 is policy/v1beta1",
    "sidecars are containers",
}
"""All that 1.20 does not know of ours. What else it does not know is a fault."""

OPERATORS = {"InferenceService", "PodMonitor", "PrometheusRule", "ScaledObject"}
"""Kinds of others, which it does not have. Their own schemas are in test_schemas.py."""


@pytest.fixture(scope="module")
def api(plane):
    plane.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "molmo2"}})
    return plane.api


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_takes_every_object(api, overlay):
    verdicts = list(judge(api, list(rendered(overlay))))
    assert len(verdicts) == len(rendered(overlay))
    for verdict in verdicts:
        print(f"{overlay:16} {verdict.name:52} {verdict.fault or ', '.join(verdict.otherwise)}")
        kind = verdict.name.split()[0]
        assert verdict.known == (kind not in OPERATORS)
        assert verdict.fault is None or not verdict.known
        assert set(verdict.otherwise) <= OTHERWISE


def wrong(api, overlay, kind, change):
    thing = copy.deepcopy(the(overlay, kind, "molmo2"))
    change(thing["spec"])
    with pytest.raises(Refused) as refused:
        api.create(as_of(api.version, thing)[0], dry_run=True)
    return str(refused.value)


def test_pods_that_a_deployment_would_not_find_are_refused(api):
    def change(spec):
        spec["selector"]["matchLabels"] = {"app": "another"}

    assert "selector" in wrong(api, "gpu", "Deployment", change)


def test_a_window_beyond_an_hour_is_refused(api):
    def change(spec):
        spec["behavior"]["scaleDown"]["stabilizationWindowSeconds"] = 3601

    told = wrong(api, "autoscale-hpa", "HorizontalPodAutoscaler", change)
    assert "stabilizationWindowSeconds" in told


def test_two_bounds_for_one_budget_are_refused(api):
    def change(spec):
        spec |= {"minAvailable": 1, "maxUnavailable": 1}

    assert "is invalid" in wrong(api, "gpu", "PodDisruptionBudget", change)


def test_what_it_would_lose_of_an_object_is_a_fault(api):
    thing = copy.deepcopy(the("gpu", "Deployment", "molmo2"))
    thing["spec"]["template"]["spec"]["terminationGraceSeconds"] = 5
    (verdict,) = judge(api, [thing])
    assert verdict.fault == "it drops spec.template.spec.terminationGraceSeconds"


def test_kinds_that_it_does_not_have_are_told_apart(api):
    thing = {"apiVersion": "apps/v1", "kind": "Deploymint", "metadata": {"name": "x"}}
    (verdict,) = judge(api, [thing])
    assert not verdict.known
