"""Overlays as the API server would get them."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
K8S = ROOT / "k8s"
OVERLAYS = sorted(folder.name for folder in (K8S / "overlays").iterdir())

Object = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Object, ...]:
    """Every object of an overlay, by the kubectl that is installed with the tests."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", K8S / "overlays" / overlay], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, *kinds: str) -> list[Object]:
    return [thing for thing in rendered(overlay) if thing["kind"] in kinds]


def the(overlay: str, kind: str, name: str) -> Object:
    """The one object of that kind and name; a digest after the name does not count."""
    (found,) = (
        thing
        for thing in of_kind(overlay, kind)
        if thing["metadata"]["name"] in (name, f"{name}-{thing['metadata']['name'][-10:]}")
    )
    return found


def pod(overlay: str) -> tuple[dict[str, str], Object]:
    """Labels and specification of the pods that an overlay runs."""
    if services := of_kind(overlay, "InferenceService"):
        predictor = services[0]["spec"]["predictor"]
        return predictor["labels"], predictor
    template = the(overlay, "Deployment", "molmo2")["spec"]["template"]
    return template["metadata"]["labels"], template["spec"]


def pods(overlay: str) -> list[tuple[dict[str, str], Object]]:
    """The same for everything that an overlay runs, the servers first."""
    templates = [thing["spec"]["template"] for thing in of_kind(overlay, "Deployment")]
    others = [(one["metadata"]["labels"], one["spec"]) for one in templates]
    return [pod(overlay), *(other for other in others if other != pod(overlay))]


def containers(spec: Object) -> list[Object]:
    """All of a pod's containers, those that only prepare it first."""
    return [*spec.get("initContainers", ()), *spec["containers"]]


def container(overlay: str, name: str) -> Object:
    """One container of the servers; theirs has another name under KServe."""
    names = (name, "kserve-container") if name == "server" else (name,)
    (found,) = (one for one in containers(pod(overlay)[1]) if one["name"] in names)
    return found


def option(arguments: list[str], name: str) -> str:
    """The value of ``--name=value``."""
    (value,) = (a.partition("=")[2] for a in arguments if a.startswith(f"--{name}="))
    return value


def model_config(overlay: str) -> Object:
    text = the(overlay, "ConfigMap", "molmo2-config")["data"]["model-config.yaml"]
    return yaml.safe_load(text)


def properties(text: str) -> dict[str, str]:
    """A Java properties file; the last of a name counts."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}
