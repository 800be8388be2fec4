"""The ``config.properties`` of one run: the project's file, and what this run changes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ports:
    """Where TorchServe listens, on loopback."""

    http: int = 8080
    grpc: int = 7070
    management: int = 8081
    grpc_management: int = 7071
    metrics: int = 8082


def write_properties(
    base: Path, target: Path, ports: Ports, model_store: Path, host: str = "127.0.0.1"
) -> None:
    """Writes ``base`` to ``target`` with other ports and model store; the last of a name counts."""
    changes = {
        "inference_address": f"http://{host}:{ports.http}",
        "management_address": f"http://{host}:{ports.management}",
        "metrics_address": f"http://{host}:{ports.metrics}",
        "grpc_inference_port": ports.grpc,
        "grpc_management_port": ports.grpc_management,
        "model_store": model_store.resolve(),
    }
    lines = [f"{name}={value}" for name, value in changes.items()]
    text = base.read_text().rstrip()
    target.write_text("\n".join([text, "", "# Of this run.", *lines, ""]))
