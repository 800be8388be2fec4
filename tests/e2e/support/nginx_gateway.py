"""The gateway's recipe on a real nginx, with a test's ports and folder in place of its own."""

import os
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from certificates import self_signed
from watched import until

from molmo2_client import Molmo2
from molmo2_client.serving import Ports

RECIPE = Path(__file__).parents[3] / "ops" / "gateway"
CALLERS = {"anna": "token-of-anna", "bert": "token-of-bert"}


@dataclass(frozen=True)
class Gateway:
    """nginx before a server."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    @property
    def log(self) -> str:
        return (self.folder / "access.log").read_text()

    def client(self, transport: str, caller: str = "anna", **options: object) -> Molmo2:
        """``caller`` is a name of ``CALLERS``, or a token."""
        scheme = "https" if transport == "http" else "grpcs"
        given = {"token": CALLERS.get(caller, caller), "ca_file": self.certificate}
        given |= {"model": "molmo2-demo", "media": "path", "retries": 0}
        return Molmo2(f"{scheme}://127.0.0.1:{self.port}", **{**given, **options})

    def connection(self) -> ssl.SSLSocket:
        """One to speak on by hand."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return self.tls.wrap_socket(plain, server_hostname="localhost")


@contextmanager
def running_gateway(
    folder: Path, ports: Ports, key: str | None = None, changes: Mapping[str, str] | None = None
) -> Iterator[Gateway]:
    """Before TorchServe at ``ports``, whose key is ``key``; ``changes`` are the test's own."""
    folder.chmod(0o755)
    tls = self_signed(folder)
    os.rename(tls.certificate, folder / "server.pem")
    os.rename(tls.private_key, folder / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        gateway = Gateway(folder, probe.getsockname()[1])
    _configure(gateway, ports, key, changes or {})
    user = " user root;" if os.geteuid() == 0 else ""  # the folder is this user's alone
    configuration = folder / "gateway" / "nginx.conf"
    nginx = subprocess.Popen(["nginx", "-c", configuration, "-g", f"daemon off;{user}"])
    try:
        until(lambda: _listens(gateway.port), 30, "nginx")
        yield gateway
    finally:
        nginx.terminate()
        nginx.wait(30)


def _configure(gateway: Gateway, ports: Ports, key: str | None, changes: Mapping[str, str]) -> None:
    folder = gateway.folder
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{ports.http}",
        "127.0.0.1:7070": f"127.0.0.1:{ports.grpc}",
        "127.0.0.1:7072": f"127.0.0.1:{ports.grpc_health}",
        "listen 443": f"listen 127.0.0.1:{gateway.port}",
        "/etc/molmo2": str(folder),
        "/tmp/molmo2-gateway": f"{folder}/gateway",
        "access_log /dev/stdout": f"access_log {folder}/access.log",
        **changes,
    }
    recipe = {path.name: path.read_text() for path in RECIPE.glob("*.conf")}
    assert all(any(said in text for text in recipe.values()) for said in changes)
    for part in ("gateway", "tokens", "torchserve"):
        (folder / part).mkdir()
    for name, text in recipe.items():
        for said, meant in changes.items():
            text = text.replace(said, meant)
        (folder / "gateway" / name).write_text(text)
    lines = [f'"Bearer {token}" {name};\n' for name, token in CALLERS.items()]
    (folder / "tokens" / "callers.conf").write_text("".join(lines))
    if key is not None:
        (folder / "torchserve" / "key.conf").write_text(f'default "Bearer {key}";\n')


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
