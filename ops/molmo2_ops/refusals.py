"""Requests that TorchServe has refused or lost itself, so that no worker counts them.

Its log has a line for each answer (ACCESS_LOG), written by a worker's thread (``W-9000-…``) where a
worker was asked, and by another where TorchServe has answered alone. What its network code refuses
before that has no line: bodies that are too large, and over gRPC wrong tokens.
"""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter

from molmo2_contract.errors import ErrorKind
from molmo2_ops.appended_lines import AppendedLines

LOG = Path("logs", "ts_log.log")
"""In the run directory."""

WORKER_DIED = "worker_died"

_ANSWER = re.compile(
    r"\[INFO *\] (?P<thread>\S+) ACCESS_LOG - \S* "
    r'"(?P<call>POST /predictions/|gRPC \S+InferenceAPIsService/(?:Stream)?Predictions)\S* '
    r'[^"]*" (?P<status>\d+) '
)

_BY_STATUS = {
    ("http", 400): ErrorKind.UNAUTHORIZED,  # TorchServe's word for a wrong token
    ("http", 404): ErrorKind.INVALID_REQUEST,  # no such model
    ("http", 503): ErrorKind.OVERLOADED,
    ("grpc", 13): ErrorKind.OVERLOADED,  # and no such model: it does not tell them apart
}

_DIED = {("http", 507), ("grpc", 8), ("grpc", 13), ("grpc", 14)}
"""What comes of a worker that died. Workers themselves answer gRPC calls with 0, always."""


class Refusals:
    """Counts them."""

    def __init__(self, run_directory: Path, registry: CollectorRegistry) -> None:
        self._lines = AppendedLines(run_directory / LOG)
        self._refused = Counter(
            "molmo2_refused",
            "Requests that TorchServe has answered without a worker, by what callers are told, or "
            "whose worker died; not those too large, nor wrong tokens over gRPC. Over gRPC "
            "overloaded is also said of a model that is not there.",
            ["kind", "transport"],
            registry=registry,
        )
        for transport in ("http", "grpc"):
            for kind in (ErrorKind.OVERLOADED.value, WORKER_DIED):
                self._refused.labels(kind, transport)

    def read(self) -> None:
        """Counts what has come since it was last called."""
        for line in self._lines.read():
            if (refused := _refused(line)) is not None:
                self._refused.labels(*refused).inc()

    def close(self) -> None:
        self._lines.close()


def _refused(line: str) -> tuple[str, str] | None:
    """Kind and transport, if the line tells of such a request."""
    answer = _ANSWER.search(line)
    if answer is None:
        return None
    transport = "grpc" if answer["call"].startswith("gRPC") else "http"
    status = (transport, int(answer["status"]))
    if answer["thread"].startswith("W-"):
        return (WORKER_DIED, transport) if status in _DIED else None
    if status in {("http", 200), ("grpc", 0)}:
        return None
    return _BY_STATUS.get(status, ErrorKind.INTERNAL).value, transport
