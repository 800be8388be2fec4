"""What every pod of every overlay keeps to: the restricted standard, and what a drain needs."""

import re

import pytest
from rendering import OVERLAYS, container, containers, of_kind, pod, pods, rendered

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
ALLOWED_VOLUMES = {
    *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
    *("persistentVolumeClaim", "projected", "secret"),
}
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def test_every_pod_meets_the_restricted_standard(overlay):
    for _, spec in pods(overlay):
        security = spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
        assert kinds <= ALLOWED_VOLUMES
        for one in containers(spec):
            assert one["securityContext"] == RESTRICTED
            assert not any("hostPort" in port for port in one.get("ports", ()))


def test_no_pod_can_speak_to_the_api_server(overlay):
    (account,) = of_kind(overlay, "ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    for _, spec in pods(overlay):
        assert spec["automountServiceAccountToken"] is False
        assert spec["serviceAccountName"] == account["metadata"]["name"]
    assert not [thing for thing in rendered(overlay) if "Role" in thing["kind"]]


def test_services_do_not_set_variables_that_read_like_our_settings(overlay):
    assert all(spec["enableServiceLinks"] is False for _, spec in pods(overlay))


def test_images_have_a_version(overlay):
    for one in (one for _, spec in pods(overlay) for one in containers(spec)):
        image, _, tag = one["image"].rpartition(":")
        assert "/" in image, "a registry is named"
        assert re.search(r"\d+\.\d+\.\d+", tag)


def test_every_container_says_what_it_needs_and_what_it_may_take(overlay):
    for one in (one for _, spec in pods(overlay) for one in containers(spec)):
        resources = one["resources"]
        assert {"cpu", "memory"} <= set(resources["requests"])
        assert "memory" in resources["limits"]
        assert "cpu" not in resources["limits"], "a throttled decoder holds a GPU up"
    assert "ephemeral-storage" in container(overlay, "server")["resources"]["limits"]


def test_every_writable_volume_has_a_bound(overlay):
    for volume in (volume for _, spec in pods(overlay) for volume in spec["volumes"]):
        if "emptyDir" in volume:
            assert "sizeLimit" in volume["emptyDir"], volume["name"]


def test_every_container_that_stays_is_probed(overlay):
    for _, spec in pods(overlay):
        sidecars = [one for one in spec.get("initContainers", ()) if "restartPolicy" in one]
        for one in [*spec["containers"], *sidecars]:
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(one)


def test_probes_ask_what_tells_the_truth(overlay):
    server = container(overlay, "server")
    health = {port["name"] for port in server["ports"]}
    paths = {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
    for probe, path in paths.items():
        asked = server[probe]["httpGet"]
        assert asked["path"] == path
        assert asked["port"] in health


def test_the_gateway_starts_before_the_server_and_ends_after_it(overlay):
    gateway = container(overlay, "gateway")
    assert gateway in pod(overlay)[1]["initContainers"]
    assert gateway["restartPolicy"] == "Always"


def test_configuration_that_changes_is_rolled_out(overlay):
    """What is mounted from a ConfigMap carries a digest in its name."""
    made = {thing["metadata"]["name"] for thing in of_kind(overlay, "ConfigMap")}
    used = set()
    for _, spec in pods(overlay):
        used |= {v["configMap"]["name"] for v in spec["volumes"] if "configMap" in v}
        for one in containers(spec):
            sources = one.get("envFrom", ())
            used |= {
                source["configMapRef"]["name"] for source in sources if "secretRef" not in source
            }
    assert used == made
    assert all(name[-11] == "-" for name in made)


def test_replicas_are_spread_and_disrupted_one_at_a_time(overlay):
    zones = {entry["topologyKey"] for entry in pod(overlay)[1]["topologySpreadConstraints"]}
    assert zones == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    for labels, spec in pods(overlay):
        for entry in spec["topologySpreadConstraints"]:
            assert entry["labelSelector"]["matchLabels"].items() <= labels.items()
        (budget,) = (
            budget["spec"]
            for budget in of_kind(overlay, "PodDisruptionBudget")
            if budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
        )
        assert budget["maxUnavailable"] == 1
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_weights_come_from_a_volume_that_the_server_only_reads(overlay):
    mounts = {mount["name"]: mount for mount in container(overlay, "server")["volumeMounts"]}
    assert mounts["weights"]["readOnly"] is True
    fetched = container(overlay, "weights")
    assert fetched in pod(overlay)[1]["initContainers"]
    assert any(mount["name"] == "weights" for mount in fetched["volumeMounts"])
