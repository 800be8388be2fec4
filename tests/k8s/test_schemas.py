"""Every overlay is valid, strictly, in every Kubernetes that is supported."""

import copy
import json

import jsonschema
import pytest
import yaml
from rendering import K8S, OVERLAYS, of_kind, rendered

from schemas import UnknownKind, check, kubernetes_versions

VERSIONS = kubernetes_versions()


def test_schemas_reach_from_the_oldest_supported_version_to_a_late_one():
    assert VERSIONS[0] == "1.30"
    assert len(VERSIONS) >= 8


def test_every_overlay_of_the_table_is_there():
    wanted = {"demo-cpu", "gpu", "autoscale-hpa", "autoscale-keda", "weights-pvc", "tls", "kserve"}
    assert wanted <= set(OVERLAYS)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_overlay_is_valid(version):
    things = [thing for overlay in OVERLAYS for thing in rendered(overlay)]
    things.append(yaml.safe_load((K8S / "namespace.yaml").read_text()))
    for thing in {json.dumps(thing): thing for thing in things}.values():
        check(thing, version)


def spoilt(overlay, kind, path, value):
    """The overlay's object of that kind, with one field changed."""
    thing = copy.deepcopy(of_kind(overlay, kind)[0])
    *way, last = path
    place = thing
    for step in way:
        place = place[step]
    place[last] = value
    return thing


CONTAINER = ("spec", "template", "spec", "containers", 0)
POLICY = ("spec", "behavior", "scaleUp", "policies", 0, "type")


@pytest.mark.parametrize(
    ("overlay", "kind", "path", "value"),
    [
        ("gpu", "Deployment", (*CONTAINER, "livenesProbe"), {}),
        ("gpu", "Deployment", ("spec", "replicas"), "one"),
        ("gpu", "NetworkPolicy", ("spec", "podselector"), {}),
        ("autoscale-hpa", "HorizontalPodAutoscaler", ("spec", "maxReplica"), 3),
        ("autoscale-keda", "ScaledObject", ("spec", "triggers", 0, "metadata", "x"), 7),
        ("autoscale-keda", "ScaledObject", ("spec", "coolDownPeriod"), 7),
        ("autoscale-keda", "ScaledObject", ("spec", "fallback", "behavior"), "higher"),
        ("autoscale-keda", "PodMonitor", ("spec", "podMetricsEndpoints", 0, "prt"), "health"),
        ("autoscale-keda", "PrometheusRule", ("spec", "groups", 0, "rules", 0, "exp"), "1"),
        ("kserve", "InferenceService", ("spec", "predictor", "minReplica"), 1),
        ("kserve", "InferenceService", ("spec", "predictor", "deploymentStrategy", "kind"), "x"),
        ("kserve", "InferenceService", ("spec", "predictor", "containers", 0, "imag"), "x"),
    ],
)
def test_a_slip_is_found(overlay, kind, path, value):
    with pytest.raises(jsonschema.ValidationError):
        check(spoilt(overlay, kind, path, value), VERSIONS[-1])


@pytest.mark.parametrize(
    ("version", "kind"),
    [("apps/v1", "Deploiment"), ("keda.sh/v1alpha1", "ScaledJobs"), ("example.com/v1", "Pod")],
)
def test_an_unknown_kind_is_no_valid_kind(version, kind):
    with pytest.raises(UnknownKind):
        check({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}, VERSIONS[-1])
