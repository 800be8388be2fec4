"""A node that runs pods as processes, each on a loopback address of its own."""

import logging
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.api_server import ApiServer, Refused
from lab.pod import Pod

logger = logging.getLogger(__name__)

Object = dict[str, Any]

NODE = "this-machine"
_SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class PodEvent:
    """What happened to a pod, and when by time.time()."""

    at: float
    pod: str
    event: str
    """created, running, ready, unready, deleted, sigterm, killed, gone or failed."""


class Kubelet:
    """Takes every pod of a namespace, and tells the API server how it is."""

    def __init__(self, api: ApiServer, namespace: str, folder: Path) -> None:
        self._api = api
        self._namespace = namespace
        self._folder = folder
        self._collection = f"/api/v1/namespaces/{namespace}/pods"
        self._told: dict[str, tuple[str, bool]] = {}
        self._addresses = iter(f"127.0.1.{number}" for number in range(2, 255))
        self.pods: dict[str, Pod] = {}
        self.events: list[PodEvent] = []
        self.drained: list[int | None] = []
        """Answers that each pod still owed when it was told to end, None where it sent not all."""

    def look(self) -> None:
        listed = {pod["metadata"]["name"]: pod for pod in self._api.get(self._collection)["items"]}
        for name, manifest in listed.items():
            if name not in self.pods:
                self._take(manifest)
            pod = self.pods[name]
            if "deletionTimestamp" in manifest["metadata"] and not pod.leaving:
                self._note(name, "deleted")
                pod.leave(manifest["metadata"]["deletionGracePeriodSeconds"])
            self._report(pod)
        for name in self.pods.keys() - listed.keys():
            del self.pods[name]

    def kill(self) -> None:
        for pod in self.pods.values():
            pod.kill()

    def _take(self, manifest: Object) -> None:
        name, address = manifest["metadata"]["name"], next(self._addresses)
        self._note(name, "created")
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}}
        self._api.post(f"{self._collection}/{name}/binding", {**binding, "target": target})
        folder = self._folder / address.rpartition(".")[2]  # short: sockets are in it
        self.pods[name] = Pod(self._api, manifest, address, folder, self._note)

    def _report(self, pod: Pod) -> None:
        if pod.phase == "Gone":
            self._api.delete(f"{self._collection}/{pod.name}", grace=0)
            self.drained.append(pod.answered_after_sigterm)
            shutil.rmtree(pod.folder / "shared", ignore_errors=True)
            return
        if self._told.get(pod.name) != (pod.phase, pod.ready):
            self._told[pod.name] = (pod.phase, pod.ready)
            status = {"status": _status(pod)}
            self._api.patch(f"{self._collection}/{pod.name}/status", status)

    def _note(self, pod: str, event: str) -> None:
        self.events.append(PodEvent(time.time(), pod, event))


@contextmanager
def kubelet(api: ApiServer, namespace: str, folder: Path) -> Iterator[Kubelet]:
    """Looks until the block ends; what runs then is killed."""
    api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
    running, stop = Kubelet(api, namespace, folder), threading.Event()

    def look() -> None:
        while not stop.wait(_SECONDS_BETWEEN_LOOKS):
            try:
                running.look()
            except Refused as refused:  # it changed between two of our requests
                logger.warning("%s", refused)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield running
    finally:
        stop.set()
        thread.join()
        running.kill()


def _status(pod: Pod) -> Object:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = {"PodScheduled": True, "Initialized": pod.phase != "Pending"}
    conditions |= {"ContainersReady": pod.ready, "Ready": pod.ready}
    return {
        "phase": pod.phase,
        "podIP": pod.address,
        "podIPs": [{"ip": pod.address}],
        "hostIP": "127.0.0.1",
        "conditions": [
            {"type": name, "status": str(value), "lastTransitionTime": now}
            for name, value in conditions.items()
        ],
    }
