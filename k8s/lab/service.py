"""One address for all ready pods: what a ClusterIP does with connections."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lab.api_server import ApiServer, Object

_SECONDS_BETWEEN_LOOKS = 0.5
_BYTES = 65536


class Service:
    """Each connection goes to the next ready pod, and stays there.

    Which those are is found out as the endpoints controller does, whose objects may not name
    addresses of loopback.
    """

    def __init__(self, api: ApiServer, namespace: str, name: str) -> None:
        spec = api.get(f"/api/v1/namespaces/{namespace}/services/{name}")["spec"]
        self._target: int = spec["ports"][0]["targetPort"]
        self._selector = ",".join(f"{label}={value}" for label, value in spec["selector"].items())
        self._pods = f"/api/v1/namespaces/{namespace}/pods"
        self._api = api
        self._turn = 0
        self._endpoints: list[tuple[str, int]] = []
        self.port = 0

    async def serve(self, ready: threading.Event, stop: threading.Event) -> None:
        server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            while not stop.is_set():
                self._endpoints = await asyncio.to_thread(self._listed)
                await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)

    def _listed(self) -> list[tuple[str, int]]:
        pods = self._api.get(self._pods, labelSelector=self._selector)["items"]
        return [(pod["status"]["podIP"], self._target) for pod in pods if _serves(pod)]

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self._turn += 1
            if not self._endpoints:
                return
            address, port = self._endpoints[self._turn % len(self._endpoints)]
            there, back = await asyncio.open_connection(address, port)
            await asyncio.gather(_copy(reader, back), _copy(there, writer))
        except OSError:
            pass  # the caller sees its connection end, as it would
        finally:
            writer.close()


def _serves(pod: Object) -> bool:
    """Whether it is ready and nobody has told it to end."""
    conditions = pod["status"].get("conditions", ())
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; the other is told."""
    try:
        while content := await reader.read(_BYTES):
            writer.write(content)
            await writer.drain()
    finally:
        writer.close()


@contextmanager
def service(api: ApiServer, namespace: str, name: str) -> Iterator[str]:
    """Its URL."""
    ready, stop = threading.Event(), threading.Event()
    running = Service(api, namespace, name)
    thread = threading.Thread(target=asyncio.run, args=(running.serve(ready, stop),))
    thread.start()
    ready.wait()
    try:
        yield f"http://127.0.0.1:{running.port}"
    finally:
        stop.set()
        thread.join()
