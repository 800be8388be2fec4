"""A server of this machine as a part of the API server's own interface."""

import ssl
import subprocess
from pathlib import Path
from typing import Any

Object = dict[str, Any]


def certified(folder: Path) -> ssl.SSLContext:
    """For a server that the API server does not verify."""
    names = ["-keyout", "adapter.key", "-out", "adapter.pem", "-subj", "/CN=localhost"]
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run(request, cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "adapter.pem", folder / "adapter.key")
    return context


def registration(group: str, version: str, port: int) -> list[Object]:
    """Objects that make the API server ask a port of this machine about a group."""
    name = {"name": "metrics-adapter", "namespace": "kube-system"}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": name,
            "spec": {
                "type": "ExternalName",
                "externalName": "localhost",
                "ports": [{"port": port}],
            },
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"{version}.{group}"},
            "spec": {
                "group": group,
                "version": version,
                "insecureSkipTLSVerify": True,
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {**name, "port": port},
            },
        },
    ]
