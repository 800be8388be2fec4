"""etcd, a real API server and real controllers on loopback."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.api_server import ApiServer
from lab.processes import free_port, process, wait_for

PROGRAMS = Path(__file__).parents[2] / "build" / "k8s-lab" / "bin"
"""Where k8s/lab/build puts them."""

CONTROLLERS = "deployment,replicaset,horizontalpodautoscaling"
_SECONDS_TO_START = 120.0
_SERVICE_ADDRESSES = "10.0.0.0/24"


@dataclass(frozen=True)
class ControlPlane:
    """An API server that answers, and how others reach it."""

    api: ApiServer
    kubeconfig: Path
    folder: Path


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """For as long as the block lasts. Nothing runs but etcd and the API server.

    Raises:
        NotStarted: one of the two does not run.
    """
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    (folder / "etcd").mkdir(mode=0o700)
    for command in (
        ("genrsa", "-out", "sa.key", "2048"),
        ("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub"),
    ):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)
    store, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    with ExitStack() as running:
        running.enter_context(process(_etcd(folder, store, peers), folder / "etcd.log"))
        port, log = free_port(), folder / "kube-apiserver.log"
        started = running.enter_context(process(_api_server(folder, store, port), log))
        url = f"https://127.0.0.1:{port}"
        api = ApiServer(url, token)
        running.callback(api.close)
        wait_for(lambda: api.ready, started, log, _SECONDS_TO_START)
        yield ControlPlane(api, _kubeconfig(folder, url, token), folder)


@contextmanager
def controllers(plane: ControlPlane, autoscaler_period: float) -> Iterator[None]:
    """Real ones; the autoscaler looks every so many seconds."""
    command = [
        PROGRAMS / "kube-controller-manager",
        f"--kubeconfig={plane.kubeconfig}",
        f"--cert-dir={plane.folder / 'controllers'}",
        "--bind-address=127.0.0.1",
        f"--secure-port={free_port()}",
        "--port=0",
        "--leader-elect=false",
        "--use-service-account-credentials=false",
        f"--controllers={CONTROLLERS}",
        f"--horizontal-pod-autoscaler-sync-period={autoscaler_period:g}s",
        "--v=2",
    ]
    with process(command, plane.folder / "kube-controller-manager.log"):
        yield


def _etcd(folder: Path, store: str, peers: str) -> list[str | Path]:
    return [
        "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={store}",
        f"--advertise-client-urls={store}",
        f"--listen-peer-urls={peers}",
        "--unsafe-no-fsync",
    ]


def _api_server(folder: Path, store: str, port: int) -> list[str | Path]:
    issuer = "https://kubernetes.default.svc"
    return [
        PROGRAMS / "kube-apiserver",
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'api'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        f"--service-cluster-ip-range={_SERVICE_ADDRESSES}",
        f"--service-account-key-file={folder / 'sa.pub'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        f"--service-account-issuer={issuer}",
        f"--api-audiences={issuer}",
        # No controller makes the tokens that it would wait for.
        "--disable-admission-plugins=ServiceAccount",
        "--endpoint-reconciler-type=none",
    ]


def _kubeconfig(folder: Path, url: str, token: str) -> Path:
    path = folder / "kubeconfig"
    path.write_text(f"""apiVersion: v1
kind: Config
clusters: [{{name: lab, cluster: {{server: "{url}", insecure-skip-tls-verify: true}}}}]
users: [{{name: admin, user: {{token: {token}}}}}]
contexts: [{{name: lab, context: {{cluster: lab, user: admin}}}}]
current-context: lab
""")
    return path
