"""Overlays as objects, by the kubectl that is installed beside this Python."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

K8S = Path(__file__).parents[1]

Object = dict[str, Any]


def rendered(folder: Path) -> list[Object]:
    """Every object of a kustomization."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, check=True
    )
    return list(yaml.safe_load_all(done.stdout))


def the(objects: list[Object], kind: str, name: str = "molmo2") -> Object:
    """The one of that kind and name; a digest after the name does not count."""
    (found,) = (
        thing
        for thing in objects
        if thing["kind"] == kind
        and thing["metadata"]["name"] in (name, f"{name}-{thing['metadata']['name'][-10:]}")
    )
    return found
