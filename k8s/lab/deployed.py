"""Our own objects as the lab applies them.

Times of the autoscaler, of its metrics, of probes, of the hook before SIGTERM and of connections
are a quarter of what is shipped: a load that takes four minutes on a GPU takes about one here.
Queues are those of the base, not of the demo: they show the whole demand at once, while pods still
load.
"""

import base64
import json
import re
from typing import Any

import yaml

from lab.api_server import ApiServer
from lab.manifests import K8S, rendered, the
from lab.older import as_of

Object = dict[str, Any]

NAMESPACE = "molmo2"
FASTER = 4
LOOK_SECONDS = 15 / FASTER
"""Between two looks of the autoscaler; 15 s is its default."""
TOKEN = "a-token-of-the-lab"


def objects(videos_port: int) -> list[Object]:
    """Everything that is applied, for videos of a server on loopback."""
    found = rendered(K8S / "lab" / "overlay")
    autoscaler = the(found, "HorizontalPodAutoscaler")
    for direction in autoscaler["spec"]["behavior"].values():
        direction["stabilizationWindowSeconds"] //= FASTER
        for policy in direction["policies"]:
            policy["periodSeconds"] //= FASTER
    _hasten(the(found, "Deployment")["spec"]["template"]["spec"])
    _age_sooner(the(found, "ConfigMap", "molmo2-gateway")["data"])
    _lengthen_queue(the(found, "ConfigMap", "molmo2-config")["data"])
    the(found, "ConfigMap", "molmo2-settings")["data"] |= {
        "MOLMO2_HANDLER_VIDEO__ALLOWED_HOSTS": json.dumps(["127.0.0.1"]),
        "MOLMO2_HANDLER_VIDEO__ALLOWED_PORTS": json.dumps([videos_port]),
        "MOLMO2_HANDLER_VIDEO__ALLOWED_ADDRESSES": json.dumps(["127.0.0.1/32"]),
        # Not while a video is waited for: a canary is a request, and here a quarter of a pod.
        "MOLMO2_OPS_CANARY_INTERVAL": "20",
    }
    return [*found, _tokens()]


def apply(api: ApiServer, found: list[Object]) -> None:
    """All but the operators' kinds, which nobody is here for; the Deployment with one replica."""
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    for thing in sorted(found, key=lambda thing: thing["kind"] == "Deployment"):
        if "monitoring.coreos.com" not in thing["apiVersion"]:
            api.create(as_of(api.version, thing)[0])


def scrape_seconds(found: list[Object]) -> float:
    (endpoint,) = the(found, "PodMonitor")["spec"]["podMetricsEndpoints"]
    return float(endpoint["interval"].removesuffix("s")) / FASTER


def rule_groups(found: list[Object]) -> list[Object]:
    """The PrometheusRule's, as Prometheus reads them."""
    groups = the(found, "PrometheusRule")["spec"]["groups"]
    for group in groups:
        if "interval" in group:
            group["interval"] = f"{float(group['interval'].removesuffix('s')) * 1000 / FASTER:g}ms"
    return groups


def _hasten(pods: Object) -> None:
    for container in pods["containers"]:
        for probe in ("startupProbe", "readinessProbe"):
            container[probe]["periodSeconds"] //= FASTER
        container["lifecycle"]["preStop"]["sleep"]["seconds"] //= FASTER


def _age_sooner(gateway: dict[str, str]) -> None:
    """Connections of callers."""
    limits = re.fullmatch(r"(?s)(.*keepalive_time )(?P<seconds>\d+)(s;.*)", gateway["limits.conf"])
    assert limits is not None
    gateway["limits.conf"] = f"{limits[1]}{int(limits['seconds']) // FASTER}{limits[3]}"


def _lengthen_queue(config: dict[str, str]) -> None:
    base = yaml.safe_load((K8S / "base" / "config" / "model-config.yaml").read_text())
    changed = {**yaml.safe_load(config["model-config.yaml"]), "jobQueueSize": base["jobQueueSize"]}
    config["model-config.yaml"] = yaml.safe_dump(changed)


def slots(found: list[Object]) -> int:
    """Requests that a pod is at."""
    config = the(found, "ConfigMap", "molmo2-config")["data"]["model-config.yaml"]
    return int(yaml.safe_load(config)["minWorkers"])


def target(found: list[Object]) -> float:
    """Of the autoscaler: requests in flight for each slot."""
    (metric,) = the(found, "HorizontalPodAutoscaler")["spec"]["metrics"]
    return int(metric["pods"]["target"]["averageValue"].removesuffix("m")) / 1000


def _tokens() -> Object:
    line = f'"Bearer {TOKEN}" labelling;\n'
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "molmo2-tokens", "namespace": NAMESPACE},
        "data": {"tokens.conf": base64.b64encode(line.encode()).decode()},
    }
