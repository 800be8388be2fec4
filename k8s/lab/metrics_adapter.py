"""custom.metrics.k8s.io out of Prometheus, by the rule that we ship for prometheus-adapter."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

from lab.aggregation import certified, registration
from lab.api_server import ApiServer
from lab.manifests import K8S
from lab.prometheus import Prometheus

Object = dict[str, Any]

GROUP, VERSION = "custom.metrics.k8s.io", "v1beta1"
RULE = K8S / "components" / "autoscale-hpa" / "prometheus-adapter-rule.yaml"


@dataclass(frozen=True)
class Look:
    """One look of an autoscaler, by time.time()."""

    at: float
    values: dict[str, float]
    """By pods that stay."""
    pods: int
    """That stay, those without a value too."""


@dataclass
class Adapter:
    """Answers for the pods of a namespace, and remembers what it said."""

    api: ApiServer
    prometheus: Prometheus
    looks: list[Look] = field(default_factory=list)

    def __post_init__(self) -> None:
        (rule,) = yaml.safe_load(RULE.read_text())
        self.metric, self._query = rule["name"]["as"], rule["metricsQuery"]

    def values(self, namespace: str, selector: str) -> Object:
        """A MetricValueList for the pods that a selector chooses."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        pods = self.api.get(path, labelSelector=selector)["items"]
        names = [pod["metadata"]["name"] for pod in pods]
        staying = {
            pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]
        }
        matchers = f'namespace="{namespace}",pod=~"{"|".join(names)}"'
        query = self._query.replace("<<.LabelMatchers>>", matchers)
        found = self.prometheus.ask(query.replace("<<.GroupBy>>", "pod"))
        values = {one["metric"]["pod"]: float(one["value"][1]) for one in found}
        told = {pod: value for pod, value in values.items() if pod in staying}
        self.looks.append(Look(time.time(), told, len(staying)))
        items = [self._item(namespace, pod, value) for pod, value in values.items()]
        head = {"kind": "MetricValueList", "apiVersion": f"{GROUP}/{VERSION}"}
        return {**head, "metadata": {}, "items": items}

    def _item(self, namespace: str, pod: str, value: float) -> Object:
        return {
            "describedObject": {
                "kind": "Pod",
                "namespace": namespace,
                "name": pod,
                "apiVersion": "/v1",
            },
            "metricName": self.metric,
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "value": f"{round(value * 1000)}m",
        }

    def resources(self) -> Object:
        pods = {"name": f"pods/{self.metric}", "singularName": "", "namespaced": True}
        return {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": f"{GROUP}/{VERSION}",
            "resources": [{**pods, "kind": "MetricValueList", "verbs": ["get"]}],
        }


@contextmanager
def metrics_adapter(api: ApiServer, prometheus: Prometheus, folder: Path) -> Iterator[Adapter]:
    """Registered with the API server, which passes its own callers on to it."""
    adapter = Adapter(api, prometheus)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(adapter))
    server.socket = certified(folder).wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for thing in registration(GROUP, VERSION, server.server_port):
        api.create(thing)
    try:
        yield adapter
    finally:
        server.shutdown()
        server.server_close()


def _handler(adapter: Adapter) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            match unquote(url.path).strip("/").split("/"):
                case ["apis", _, _, "namespaces", namespace, "pods", "*", adapter.metric]:
                    selector = parse_qs(url.query).get("labelSelector", [""])[0]
                    self._reply(adapter.values(namespace, selector))
                case ["apis", _, _]:
                    self._reply(adapter.resources())
                case _:
                    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
                    self._reply({**status, "code": 404}, 404)

        def _reply(self, content: Object, status: int = 200) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
