"""One container of a pod: a command of this machine, in its own words."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from lab.api_server import ApiServer
from lab.mounts import View, config_map
from lab.processes import ended_with_us

Object = dict[str, Any]

BYTECODE = Path(__file__).parents[2] / "build" / "k8s-lab" / "bytecode"


class Container:
    """Started once, with a log beside its pod's folders."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self._command, self._environment, self._folder = command, environment, folder
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """By a thread that lives as long as the container shall."""
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
        # An image has its bytecode; a checkout may have none, and every start would compile it.
        bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(BYTECODE)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ended_with_us(self._command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={**os.environ, "PATH": path, **bytecode, **self._environment},
                start_new_session=True,
            )

    def run(self) -> int:
        """To its end; its exit status."""
        self.start()
        assert self._process is not None
        return self._process.wait()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self, seconds: float) -> bool:
        """SIGTERM to the process itself, as a container's first one gets it, and SIGKILL to all
        that is left; whether it ended by itself."""
        if self._process is None:
            return True
        in_time = True
        if self.running:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                in_time = False
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return in_time


def command(container: Object, environment: Mapping[str, str], view: View) -> list[str]:
    """With variables and places filled in."""
    given = [*container.get("command", ()), *container.get("args", ())]
    known = re.compile(r"\$\((\w+)\)")
    return [view.of(known.sub(lambda found: environment[found[1]], one)) for one in given]


def environment(api: ApiServer, namespace: str, container: Object, view: View) -> dict[str, str]:
    """From ConfigMaps and as it is written, the latter last."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:  # Secrets are of stores and hubs, which nobody asks here
            found |= config_map(api, namespace, source["configMapRef"]["name"])
    found |= {one["name"]: one["value"] for one in container.get("env", ())}
    return {name: view.of(value) for name, value in found.items()}
