"""Health and metrics for whoever asks: /livez, /readyz and /metrics, and grpc.health.v1."""

import json
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from molmo2_ops.readiness import Readiness

_CALLS = 8
"""gRPC callers at once; each that watches holds one."""


class _Server(Protocol):
    readiness: Readiness

    @property
    def why_dead(self) -> str | None: ...

    def metrics(self) -> bytes: ...


def http_server(server: _Server, address: str, port: int) -> ThreadingHTTPServer:
    """Listens at once; ``serve_forever`` answers."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds for a caller that says nothing

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/livez":
                    dead = server.why_dead
                    self._judgement(dead is None, [dead] if dead else [])
                case "/readyz":
                    reasons = server.readiness.why_not
                    self._judgement(not reasons, reasons)
                case "/metrics":
                    self._reply(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, server.metrics())
                case _:
                    text = b"/livez, /readyz and /metrics are here\n"
                    self._reply(HTTPStatus.NOT_FOUND, "text/plain", text)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every second; nobody reads about them."""

        def _judgement(self, good: bool, reasons: list[str]) -> None:
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            body = {"status": "ok" if good else "failed", "reasons": reasons}
            self._reply(status, "application/json", json.dumps(body).encode() + b"\n")

        def _reply(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer((address, port), Handler)


class GrpcHealth:
    """grpc.health.v1: the server under the name ``""``, and each model under its names.

    A name that was told once is told on: a model that has gone does not serve.
    """

    def __init__(self, address: str, port: int) -> None:
        self._health = health.HealthServicer()
        self._told: dict[str, bool] = {}
        self._lock = threading.Lock()
        self._set("", False)  # the servicer begins with SERVING
        self._server = grpc.server(ThreadPoolExecutor(_CALLS, thread_name_prefix="health"))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_insecure_port(f"{address}:{port}")
        self._server.start()

    def tell(self, readiness: Readiness, models: Mapping[str, str]) -> None:
        """Tells callers, also those who watch, how things are now; from any thread.

        ``models`` are the addresses of the models by each name that they go by.
        """
        with self._lock:
            ready = {name: readiness.model_is_ready(address) for name, address in models.items()}
            gone = dict.fromkeys(self._told, False)
            for service, good in {**gone, **ready, "": readiness.ready}.items():
                self._set(service, good)

    def close(self) -> None:
        self._server.stop(grace=None).wait()

    def _set(self, service: str, good: bool) -> None:
        statuses = health_pb2.HealthCheckResponse
        if self._told.get(service) != good:
            self._told[service] = good
            self._health.set(service, statuses.SERVING if good else statuses.NOT_SERVING)
