"""What a Kubernetes API server is asked over HTTP."""

import json
from typing import Any

import httpx2

Object = dict[str, Any]


class Refused(Exception):
    """The server's own reason."""


class ApiServer:
    """One API server, as its administrator."""

    def __init__(self, url: str, token: str) -> None:
        # Its certificate is its own, made at its start, and both ends are this machine's.
        self._client = httpx2.Client(
            base_url=url,
            verify=False,
            trust_env=False,
            timeout=30,
            headers={"Authorization": f"Bearer {token}"},
        )

    def close(self) -> None:
        self._client.close()

    @property
    def ready(self) -> bool:
        try:
            return self._client.get("/readyz").status_code == 200
        except httpx2.HTTPError:
            return False

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor."""
        told = self.get("/version")
        return int(told["major"]), int(told["minor"].rstrip("+"))

    def get(self, path: str, **parameters: str) -> Object:
        return self._answer("GET", path, params=parameters)

    def create(self, thing: Object, dry_run: bool = False) -> Object:
        """As `kubectl create`; the object as the server has it.

        Raises:
            Refused: the server has no such kind, or does not take the object.
        """
        path = self.collection(thing["apiVersion"], thing["kind"], _namespace(thing))
        return self._answer("POST", path, json=thing, params={"dryRun": "All"} if dry_run else {})

    def post(self, path: str, content: Object) -> Object:
        return self._answer("POST", path, json=content)

    def patch(self, path: str, change: Object) -> Object:
        """A merge patch."""
        kind = {"Content-Type": "application/merge-patch+json"}
        return self._answer("PATCH", path, content=json.dumps(change), headers=kind)

    def delete(self, path: str, grace: int) -> None:
        self._answer("DELETE", path, json={"gracePeriodSeconds": grace})

    def knows(self, group_version: str, kind: str) -> bool:
        try:
            self._resource(group_version, kind)
        except Refused:
            return False
        return True

    def collection(self, group_version: str, kind: str, namespace: str) -> str:
        """The path where objects of a kind are."""
        resource = self._resource(group_version, kind)
        within = f"/namespaces/{namespace}" if resource["namespaced"] else ""
        return f"{_root(group_version)}{within}/{resource['name']}"

    def _resource(self, group_version: str, kind: str) -> Object:
        for resource in self.get(_root(group_version))["resources"]:
            if resource["kind"] == kind and "/" not in resource["name"]:
                return resource
        raise Refused(f"{group_version} has no {kind}")

    def _answer(self, method: str, path: str, **arguments: Any) -> Object:
        response = self._client.request(method, path, **arguments)
        if response.is_error:
            try:
                reason = response.json()["message"]
            except ValueError:
                reason = response.text.strip()
            raise Refused(f"{response.status_code} {reason}")
        return response.json()


def _root(group_version: str) -> str:
    return f"/{'apis' if '/' in group_version else 'api'}/{group_version}"


def _namespace(thing: Object) -> str:
    return thing["metadata"].get("namespace", "default")
