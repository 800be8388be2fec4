"""The gateway of an overlay, run by a real nginx in front of servers of a test."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.processes import ended_with_us
from rendering import container, the

from molmo2_client.serving import Ports


@contextmanager
def live_gateway(
    overlay: str, folder: Path, tokens: str, backends: dict[int, int]
) -> Iterator[dict[str, int]]:
    """Where it listens, by the names of its ports; ``backends`` says where TorchServe's ports are.

    Folders and ports are a test's own, everything else is as it stands.
    """
    listening = {
        port["name"]: (port["containerPort"], free_port())
        for port in container(overlay, "gateway")["ports"]
    }
    (folder / "tokens").mkdir()
    (folder / "tokens" / "tokens.conf").write_text(tokens)
    for name, text in the(overlay, "ConfigMap", "molmo2-gateway")["data"].items():
        text = text.replace("/tmp/", "@temporary@/")
        text = text.replace("/etc/molmo2/gateway/", f"{folder}/")
        text = text.replace("/etc/molmo2/", f"{folder}/")
        text = text.replace("@temporary@", str(folder))
        for theirs, ours in backends.items():
            text = text.replace(f"127.0.0.1:{theirs};", f"127.0.0.1:{ours};")
        for theirs, ours in listening.values():
            text = text.replace(f"listen {theirs}", f"listen 127.0.0.1:{ours}")
        (folder / name).write_text(text)
    # As root nginx gives its workers to another user, who may not look into a test's folder.
    directives = "daemon off; user root;"
    nginx = subprocess.Popen(
        ended_with_us(["nginx", "-c", folder / "nginx.conf", "-g", directives]),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        for _, port in listening.values():
            _wait_for(port, nginx)
        yield {name: port for name, (_, port) in listening.items()}
    finally:
        nginx.terminate()
        nginx.communicate(timeout=10)


def torchserve_ports() -> tuple[int, int, int]:
    """HTTP, gRPC and health, as the gateway knows them."""
    return Ports.http, Ports.grpc, Ports.grpc_health


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_for(port: int, nginx: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if nginx.poll() is not None or time.monotonic() > until:
                nginx.kill()
                raise RuntimeError(nginx.communicate()[1].decode()) from None
            time.sleep(0.05)
