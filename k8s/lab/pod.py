"""One pod as processes of this machine: prepared, running, ready, leaving, gone."""

import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from lab.api_server import ApiServer
from lab.container import Container, command, environment
from lab.mounts import View, files, places
from lab.older import SIDECARS, SLEEP
from molmo2_client.serving import Ports

logger = logging.getLogger(__name__)

Object = dict[str, Any]

IMAGE_FILES = {"/demo-weights": Path(__file__).parents[2] / "demo" / "checkpoint"}
"""What images bring along that this machine has elsewhere."""

_SERVER = "server"
_SECONDS_FOR_SIDECARS = 10.0


class Pod:
    """Lives in threads of its own; ``tell`` hears of everything that happens to it."""

    def __init__(
        self,
        api: ApiServer,
        manifest: Object,
        address: str,
        folder: Path,
        tell: Callable[[str, str], None],
    ) -> None:
        self.name, self.namespace = manifest["metadata"]["name"], manifest["metadata"]["namespace"]
        self.address, self.folder, self.ports = address, folder, Ports.unused()
        self.phase, self.ready, self.leaving = "Pending", False, False
        self._served = False
        self._spec = manifest["spec"]
        self._notes = manifest["metadata"].get("annotations", {})
        self._tell = lambda event: tell(self.name, event)
        self._volumes = {volume["name"]: volume for volume in self._spec["volumes"]}
        self._views: dict[str, View] = {}
        folder.mkdir(parents=True)
        told = {one["name"]: one for one in self._spec["containers"]}
        self._probes = told[_SERVER]
        prepared = {one["name"]: self._prepared(api, one) for one in told.values()}
        sidecars = [name for name in self._notes.get(SIDECARS, "").split(",") if name]
        self._sidecars = [prepared[name] for name in sidecars]
        self._server = prepared[_SERVER]
        self._first = [self._prepared(api, one) for one in self._spec.get("initContainers", ())]
        threading.Thread(target=self._live, daemon=True).start()

    def leave(self, grace: float) -> None:
        """As a kubelet ends a pod: its hook, SIGTERM to the server, and the sidecars after it."""
        self.leaving = True
        threading.Thread(target=self._leave, args=(grace,), daemon=True).start()

    @property
    def answered_after_sigterm(self) -> int | None:
        """By the server's own report of its drain; None if it did not answer all that it owed."""
        if not self._served:
            return 0
        found = re.search(
            r"all (\d+) requests in flight were answered", self._server.log.read_text()
        )
        return int(found[1]) if found else None

    def kill(self) -> None:
        self.leaving = True
        for container in [*self._first, self._server, *self._sidecars]:
            container.end(0)

    def _live(self) -> None:
        for container in self._first:
            if status := container.run():
                self._fail(f"{container.name} ended with {status}")
                return
        for container in [*self._sidecars, self._server]:
            container.start()
        self.phase = "Running"
        self._tell("running")
        period = self._probes["startupProbe"]["periodSeconds"]
        failures = 0
        while self.phase == "Running":
            time.sleep(period)
            ended = [one.name for one in [*self._sidecars, self._server] if not one.running]
            if ended and not self.leaving:
                self._fail(f"{ended[0]} ended")
                return
            probe = self._probes["readinessProbe"]
            failures = 0 if self._answers("/readyz") else failures + 1
            if failures == 0 and not self.ready:
                self._tell("ready")
                self.ready, self._served, period = True, True, probe["periodSeconds"]
            elif failures >= probe["failureThreshold"] and self.ready:
                self._tell("unready")
                self.ready = False

    def _leave(self, grace: float) -> None:
        began = time.monotonic()
        if self._server.running:
            time.sleep(float(self._notes.get(SLEEP, 0)))
        self._tell("sigterm")
        if not self._server.end(max(0, grace - (time.monotonic() - began))):
            self._tell("killed")
        for sidecar in self._sidecars:
            sidecar.end(_SECONDS_FOR_SIDECARS)
        self.phase = "Gone"
        self._tell("gone")

    def _fail(self, why: str) -> None:
        logger.error("%s: %s; its logs are in %s", self.name, why, self.folder)
        self.phase, self.ready = "Failed", False
        self._tell("failed")

    def _answers(self, path: str) -> bool:
        url = f"http://{self.address}:{self.ports.health}{path}"
        try:
            return httpx2.get(url, trust_env=False, timeout=3).status_code == 200
        except httpx2.HTTPError:
            return False

    def _prepared(self, api: ApiServer, told: Object) -> Container:
        there = places(told, self._volumes, self.folder)
        ports = {getattr(Ports, name): port for name, port in vars(self.ports).items()}
        view = View({**IMAGE_FILES, **there}, ports, self.address)
        for place in there.values():
            for name, text in files(api, self.namespace, self._volumes[place.name]).items():
                (place / name).write_text(view.of(text))
        variables = environment(api, self.namespace, told, view)
        arguments = command(told, variables, view)
        if told["name"] == _SERVER:
            arguments += [
                f"--{name.replace('_', '-')}-port={port}" for name, port in vars(self.ports).items()
            ]
        return Container(told["name"], arguments, variables, self.folder)
