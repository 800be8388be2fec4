"""How many pods a Deployment wants and has, as time goes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lab.api_server import ApiServer

Object = dict[str, Any]

_SECONDS_BETWEEN_LOOKS = 0.5


@dataclass
class Replicas:
    """Changes only, each with its time by time.time()."""

    api: ApiServer
    path: str
    wanted: list[tuple[float, int]] = field(default_factory=list)
    ready: list[tuple[float, int]] = field(default_factory=list)

    def look(self) -> Object:
        """The Deployment as it is."""
        found = self.api.get(self.path)
        now = time.time()
        for history, number in (
            (self.wanted, found["spec"]["replicas"]),
            (self.ready, found["status"].get("readyReplicas", 0)),
        ):
            if not history or history[-1][1] != number:
                history.append((now, number))
        return found

    @property
    def rolled_out(self) -> bool:
        """Whether every pod is of the newest template, is ready, and no other is left."""
        found = self.look()
        spec, status = found["spec"], found["status"]
        numbers = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")}
        newest = status.get("observedGeneration") == found["metadata"]["generation"]
        return newest and numbers == {spec["replicas"]}


@contextmanager
def replicas(api: ApiServer, namespace: str, name: str) -> Iterator[Replicas]:
    """Watched until the block ends."""
    watched = Replicas(api, f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(_SECONDS_BETWEEN_LOOKS):
            watched.look()

    watched.look()
    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield watched
    finally:
        stop.set()
        thread.join()
