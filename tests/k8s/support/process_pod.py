"""The server of an overlay's pod as processes of this machine: its archive, TorchServe, its engine.

What is another's here is folders and ports.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from lab.processes import ended_with_us
from live_gateway import torchserve_ports
from prometheus_client.parser import text_string_to_metric_families
from rendering import ROOT, container, option, the

from molmo2_client.serving import Ports

PROGRAMS = Path(sys.executable).parent


class ProcessPod:
    """Its folders and ports, and the server's process."""

    def __init__(self, overlay: str, folder: Path) -> None:
        self.overlay, self.folder, self.ports = overlay, folder, Ports.unused()
        self.in_flight_while_it_loaded: list[float | None] = []
        self.log = folder / "serve.log"
        self.model = the(overlay, "ConfigMap", "molmo2-model")["data"]
        self.environment = {**os.environ, **self.model, "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
        for name, text in the(overlay, "ConfigMap", "molmo2-config")["data"].items():
            path = folder / "etc" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def command(self, name: str) -> list[str]:
        """A container's arguments in this machine's folders."""
        arguments = container(self.overlay, name)["args"]
        for there, here in (
            ("/etc/molmo2", str(self.folder / "etc")),
            ("/weights", str(self.folder / "weights")),
            ("/models", str(self.folder / "models")),
            ("/run/molmo2", str(self.folder / "run")),
        ):
            arguments = [argument.replace(there, here) for argument in arguments]
        return arguments

    def prepare(self) -> None:
        weights = self.folder / "weights" / self.model["NAME"] / self.model["REVISION"]
        shutil.copytree(ROOT / "demo" / "checkpoint", weights)
        done = subprocess.run(
            self.command("archive"), env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    def start(self, **environment: str) -> None:
        ports = [
            f"--{name.replace('_', '-')}-port={port}" for name, port in vars(self.ports).items()
        ]
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                ended_with_us([*self.command("server"), *ports]),
                cwd=self.folder,
                env={**self.environment, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Until it is ready."""
        until = time.monotonic() + float(
            option(container(self.overlay, "server")["args"], "start-timeout")
        )
        while not self.ready():
            assert self.server.poll() is None, self.log.read_text()
            assert time.monotonic() < until
            time.sleep(0.5)

    def ready(self) -> bool:
        """Notes what is in flight while it is not."""
        try:
            status = self._told("/readyz").status_code
            if status != 200:
                self.in_flight_while_it_loaded.append(self.metric("molmo2_requests_in_flight"))
        except httpx2.HTTPError:
            return False
        return status == 200

    def metric(self, name: str, **labels: str) -> float | None:
        """Its sum over what has these labels; None where it is not told."""
        samples = [
            sample.value
            for family in text_string_to_metric_families(self._told("/metrics").text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(samples) if samples else None

    def behind(self) -> dict[int, int]:
        """Its ports of TorchServe, by those that a gateway knows."""
        ours = (self.ports.http, self.ports.grpc, self.ports.grpc_health)
        return dict(zip(torchserve_ports(), ours, strict=True))

    def _told(self, path: str) -> httpx2.Response:
        url = f"http://127.0.0.1:{self.ports.health}{path}"
        return httpx2.get(url, trust_env=False, timeout=5)


@contextmanager
def process_pods(
    overlay: str, folders: list[Path], **environment: str
) -> Iterator[list[ProcessPod]]:
    """One in each folder, ready."""
    pods = [ProcessPod(overlay, folder) for folder in folders]
    started: list[ProcessPod] = []
    try:
        for pod in pods:
            pod.prepare()
            pod.start(**environment)
            started.append(pod)
        for pod in pods:
            pod.wait()
        yield pods
    finally:
        for pod in started:
            pod.server.terminate()
        for pod in started:
            pod.server.wait(120)
