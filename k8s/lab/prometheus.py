"""A real Prometheus that reads the pods, with our own rules."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml

from lab.kubelet import Kubelet
from lab.processes import free_port, process, wait_for

Object = dict[str, Any]

_SECONDS_TO_START = 60.0


class Prometheus:
    """One that answers."""

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def ready(self) -> bool:
        try:
            return httpx2.get(f"{self._url}/-/ready", trust_env=False).status_code == 200
        except httpx2.HTTPError:
            return False

    def ask(self, query: str) -> list[Object]:
        """The elements of an instant vector, each with ``metric`` and ``value``."""
        url = f"{self._url}/api/v1/query"
        told = httpx2.get(url, params={"query": query}, trust_env=False, timeout=10)
        return told.raise_for_status().json()["data"]["result"]


@contextmanager
def prometheus(
    folder: Path, pods: Kubelet, groups: list[Object], seconds: float
) -> Iterator[Prometheus]:
    """Looks at all running pods every so many seconds.

    Raises:
        NotStarted: its log says why.
    """
    targets, port = folder / "targets.json", free_port()
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    interval = f"{1000 * seconds:g}ms"
    job = {
        "job_name": "pods",
        "file_sd_configs": [{"files": [str(targets)], "refresh_interval": "1s"}],
    }
    settings = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [str(folder / "rules.yaml")],
        "scrape_configs": [job],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    command = [
        "prometheus",
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    log = folder / "prometheus.log"
    with process(command, log) as started, _listed(targets, pods):
        running = Prometheus(f"http://127.0.0.1:{port}")
        wait_for(lambda: running.ready, started, log, _SECONDS_TO_START)
        yield running


@contextmanager
def _listed(path: Path, pods: Kubelet) -> Iterator[None]:
    """Keeps the list of targets as it is among the pods."""
    stop = threading.Event()

    def keep() -> None:
        while not stop.wait(0.5):
            found = [
                {
                    "targets": [f"{pod.address}:{pod.ports.health}"],
                    "labels": {"namespace": pod.namespace, "pod": pod.name},
                }
                for pod in list(pods.pods.values())
                if pod.phase == "Running"
            ]
            part = path.with_suffix(".part")
            part.write_text(json.dumps(found))
            part.rename(path)

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
