"""podman as tests run it, and the images that `make k8s-image` has built for them."""

import os
import subprocess

from rendering import K8S

REGISTRY = os.environ.get("MOLMO2_IMAGES")
"""What the images' names begin with; None where none were built."""


def image(name: str) -> str:
    """The built one, for what manifests call so: by the last part of its name."""
    return f"{REGISTRY}/{name.rpartition('/')[2].partition(':')[0]}:test"


def podman(*arguments: object, check: bool = True) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "CONTAINERS_CONF": str(K8S / "image" / "containers.conf")}
    done = subprocess.run(
        ["podman", *map(str, arguments)], env=environment, capture_output=True, text=True
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def logs(container: str) -> str:
    """Both streams; what there is of them when the container is not there."""
    told = podman("logs", container, check=False)
    return told.stdout + told.stderr


def kept_volumes() -> set[str]:
    """Their names."""
    return set(podman("volume", "ls", "--quiet").stdout.split())
