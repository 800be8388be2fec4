"""TorchServe's management API: what it says of its models, and how many workers it shall have."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

READY = "READY"
"""What TorchServe says of a worker that has loaded its model; it says so of lost ones too."""

_SECONDS = 5.0
"""How long an answer may take; scaling is not waited for."""


class ManagementUnreachable(Exception):
    """TorchServe does not answer, or not as itself."""


@dataclass(frozen=True)
class ListedWorker:
    """A worker as TorchServe lists it, which does not mean that it lives."""

    name: str
    pid: int
    status: str


@dataclass(frozen=True)
class ListedModel:
    """A model as TorchServe describes it."""

    name: str
    """What callers ask for: ``molmo2``, or ``molmo2/2.0`` where that is not the default version."""
    min_workers: int
    workers: tuple[ListedWorker, ...]
    pending: int
    """Requests that wait for a worker."""
    room: int
    """Requests that may come to wait before callers are told overloaded."""
    version: str = ""

    @property
    def address(self) -> str:
        """The name with the version: what stays when another version becomes the default."""
        return self.name if "/" in self.name or not self.version else f"{self.name}/{self.version}"


class Management:
    """Calls to the management address, with the key that TorchServe wrote into its key file."""

    def __init__(self, address: str, key_file: Path) -> None:
        self._client = httpx2.Client(base_url=address, timeout=_SECONDS, trust_env=False)
        self._key_file = key_file

    def models(self) -> list[ListedModel]:
        """Every version of every model.

        Raises:
            ManagementUnreachable: if TorchServe is away.
        """
        return [model for name in self._names() for model in self._versions(name)]

    def scale(self, model: str, workers: int) -> None:
        """Asks for ``workers`` workers, listed ones that are lost included; does not wait.

        Raises:
            ManagementUnreachable: if TorchServe is away.
        """
        self._call("PUT", f"/models/{model}", min_worker=workers, max_worker=workers)

    def renew_key(self, kind: str) -> None:
        """Makes TorchServe write a new key, ``inference`` or ``management``; the old one ends now.

        Raises:
            ManagementUnreachable: if TorchServe is away.
        """
        self._call("GET", "/token", key="API", type=kind)

    def close(self) -> None:
        self._client.close()

    def _names(self) -> Iterator[str]:
        page = {"limit": 100}
        while True:
            answer = self._read("/models", **page)
            yield from (model["modelName"] for model in answer["models"])
            if (token := answer.get("nextPageToken")) is None:
                return
            page["next_page_token"] = token

    def _versions(self, name: str) -> Iterator[ListedModel]:
        (default,) = self._read(f"/models/{name}")
        for version in self._read(f"/models/{name}/all"):
            number = version["modelVersion"]
            is_default = number == default["modelVersion"]
            yield _listed(name if is_default else f"{name}/{number}", version)

    def _call(
        self, method: str, path: str, key: str = "management", **query: Any
    ) -> httpx2.Response:
        try:
            answer = self._client.request(
                method, path, params=query, headers=authorization(self._key_file, key)
            )
            answer.raise_for_status()
        except httpx2.HTTPError as error:
            raise ManagementUnreachable(f"{method} {path}: {error}") from None
        return answer

    def _read(self, path: str, **query: Any) -> Any:
        answer = self._call("GET", path, **query)
        try:
            return answer.json()
        except ValueError:
            raise ManagementUnreachable(f"GET {path}: {answer.text[:100]!r} is no JSON") from None


def _listed(name: str, described: dict[str, Any]) -> ListedModel:
    queue = described["jobQueueStatus"]
    workers = (ListedWorker(w["id"], int(w["pid"]), w["status"]) for w in described["workers"])
    return ListedModel(
        name=name,
        min_workers=described["minWorkers"],
        workers=tuple(workers),
        pending=queue["pendingRequests"],
        room=queue["remainingCapacity"],
        version=described["modelVersion"],
    )


def authorization(key_file: Path, kind: str) -> dict[str, str]:
    """The header for a key of ``key_file.json``; none where TorchServe wrote no keys.

    The file is read each time: keys are renewed while the server runs.
    """
    try:
        key = json.loads(key_file.read_bytes())[kind]["key"]
    except (OSError, ValueError, KeyError):
        return {}
    return {"Authorization": f"Bearer {key}"}
