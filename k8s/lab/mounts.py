"""What a container sees of files and ports, in this machine's words.

Processes of a lab share one file system and one loopback. What a manifest says about a pod's own,
in arguments, variables and files, is put into other words once, when the pod is made.
"""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.api_server import ApiServer

Object = dict[str, Any]


class View:
    """Replaces paths under a mount, ports of the pod's loopback, and the address of all sides."""

    def __init__(self, paths: Mapping[str, Path], ports: Mapping[int, int], address: str) -> None:
        # The deepest mount counts; a path ends where no further letter of a name follows.
        mounts = "|".join(map(re.escape, sorted(paths, key=len, reverse=True))) or "(?!)"
        self._pattern = re.compile(
            rf"(?P<path>(?<![\w.])({mounts})(?![\w-]))"
            r"|127\.0\.0\.1:(?P<port>\d+)"
            r"|(?P<listen>listen )(?=\d+)"
            r"|(?P<all>\b0\.0\.0\.0\b)"
        )
        self._paths, self._ports, self._address = paths, ports, address

    def of(self, text: str) -> str:
        return self._pattern.sub(self._replaced, text)

    def _replaced(self, found: re.Match[str]) -> str:
        if found["path"]:
            return str(self._paths[found["path"]])
        if found["port"]:
            port = int(found["port"])
            return f"127.0.0.1:{self._ports.get(port, port)}"
        return f"listen {self._address}:" if found["listen"] else self._address


def places(container: Object, volumes: Mapping[str, Object], folder: Path) -> dict[str, Path]:
    """Where each mount of a container lies. What containers share is the same folder for all."""
    found = {}
    for mount in container.get("volumeMounts", ()):
        shared = "emptyDir" in volumes[mount["name"]]
        place = folder / ("shared" if shared else container["name"]) / mount["name"]
        place.mkdir(parents=True, exist_ok=True)
        found[mount["mountPath"]] = place
    return found


def files(api: ApiServer, namespace: str, volume: Object) -> dict[str, str]:
    """Names and contents of a volume that comes from the API server; of others none."""
    if "configMap" in volume:
        return config_map(api, namespace, volume["configMap"]["name"])
    if "secret" in volume:
        secret = volume["secret"]
        held = api.get(f"/api/v1/namespaces/{namespace}/secrets/{secret['secretName']}")["data"]
        wanted = {item["key"]: item["path"] for item in secret["items"]}
        return {path: base64.b64decode(held[key]).decode() for key, path in wanted.items()}
    return {}


def config_map(api: ApiServer, namespace: str, name: str) -> dict[str, str]:
    return api.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}")["data"]
