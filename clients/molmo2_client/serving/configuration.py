"""The ``config.properties`` of one run: the project's file, and what this run changes."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Ports:
    """Where TorchServe listens, on loopback."""

    http: int = 8080
    grpc: int = 7070
    management: int = 8081
    grpc_management: int = 7071
    metrics: int = 8082
    health: int = 8083
    """Of the process beside TorchServe: /livez, /readyz and /metrics of the whole server."""
    grpc_health: int = 7072
    """Of the same: grpc.health.v1."""

    @classmethod
    def unused(cls) -> Self:
        """Ports that nobody listens on now."""
        probes = [socket.create_server(("127.0.0.1", 0)) for _ in fields(cls)]
        try:
            return cls(*(probe.getsockname()[1] for probe in probes))
        finally:
            for probe in probes:
                probe.close()


@dataclass(frozen=True)
class Tls:
    """PEM files of a server that speaks TLS."""

    certificate: Path
    """Its own certificate, and those that lead from it to an authority."""
    private_key: Path
    """RSA, PKCS#8, without a passphrase: what TorchServe's front end reads."""


def write_properties(
    base: Path,
    target: Path,
    ports: Ports,
    model_store: Path,
    models: Sequence[str],
    tls: Tls | None = None,
) -> None:
    """Writes ``base`` to ``target`` for this run's ports and models; the last of a name counts.

    With ``tls`` inference is HTTPS and gRPC over TLS; management and metrics stay plain, on
    loopback.
    """
    changes = {
        "inference_address": f"{'https' if tls else 'http'}://127.0.0.1:{ports.http}",
        "management_address": f"http://127.0.0.1:{ports.management}",
        "metrics_address": f"http://127.0.0.1:{ports.metrics}",
        "grpc_inference_port": ports.grpc,
        "grpc_management_port": ports.grpc_management,
        "model_store": model_store.resolve(),
        "load_models": ",".join(f"{model}.mar" for model in models),
    }
    if tls is not None:
        changes["certificate_file"] = tls.certificate.resolve()
        changes["private_key_file"] = tls.private_key.resolve()
        changes["enable_grpc_ssl"] = "true"
    lines = [f"{name}={value}" for name, value in changes.items()]
    target.write_text("\n".join([base.read_text().rstrip(), "", "# Of this run.", *lines, ""]))
