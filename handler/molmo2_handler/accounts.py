"""What each request came to: counted for the exporter, and one line in the log.

The counts are prometheus_client's. With PROMETHEUS_MULTIPROC_DIR set, as ``molmo2 serve`` does,
every worker keeps its own in a file there, which outlives the worker, and whoever looks adds them
up. Neither counts nor log hold a token; nor a prompt or a path, unless ``log_questions`` is set.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from molmo2_contract.errors import Error
from molmo2_engine.client.canary import CANARY

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

OK = "ok"

_MODEL = ["model", "version"]

_RUNNING = Gauge(
    "molmo2_requests_running",
    "Requests that a worker is at.",
    _MODEL,
    multiprocess_mode="livesum",
)
_WORKERS = Gauge(
    "molmo2_engine_workers",
    "Request workers whose own engine this is.",
    [*_MODEL, "engine"],
    multiprocess_mode="livesum",
)
_REQUESTS = Counter(
    "molmo2_requests",
    "Requests that a worker has ended: ok if any operation was answered, else the error's kind.",
    [*_MODEL, "transport", "outcome"],
)
_SECONDS = Histogram(
    "molmo2_request_seconds",
    "Seconds from a worker's taking a request to its end; waiting for a worker is not in it.",
    [*_MODEL, "transport"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
)
_DECODE_CPU = Counter(
    "molmo2_decode_cpu_seconds",
    "CPU seconds that workers have spent on the frames of videos.",
    _MODEL,
)
_ROUTED = Counter(
    "molmo2_requests_routed",
    "Requests that another GPU's engine answered, which held the video.",
    _MODEL,
)


@dataclass
class Account:
    """One request, as far as it is known."""

    transport: str
    request_id: str
    outcome: str | None = OK
    """None leaves it uncounted."""
    operations: list[str] = field(default_factory=list)
    failed: int = 0
    """Operations that failed alone."""
    stream: bool = False
    question: dict[str, Any] | None = None
    """What was asked, where the operator wants it logged."""

    def result(self, error: Error | None) -> None:
        """An operation has its result; where all of them are errors, so is the request."""
        if error is not None:
            self.failed += 1
            if self.failed == len(self.operations):
                self.outcome = error.kind.value


class Accounts:
    """The accounts of one version of a model in one worker.

    What the server asks itself (``molmo2_engine.client.canary``) runs and is logged like any other
    request, and is not counted.
    """

    def __init__(self, model: str, version: str, engine: str) -> None:
        """``engine`` is the name of the worker's own."""
        self._model = model, version
        self._running = _RUNNING.labels(*self._model)
        _WORKERS.labels(*self._model, engine).set(1)
        self._decode_cpu = _DECODE_CPU.labels(*self._model)
        self._decode_cpu.inc(0)  # a series that is there from the start can be told from no server
        self._running.set(0)
        self._routed = _ROUTED.labels(*self._model)
        self._routed.inc(0)

    @contextmanager
    def request(self, transport: str, request_id: str) -> Iterator[Account]:
        """Closes the account of a request when it ends, by whatever it then says."""
        account = Account(transport, request_id)
        began = time.monotonic()
        try:
            yield account
        finally:
            self._close(account, time.monotonic() - began)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Counts a request that was let in as running; a drain waits for those."""
        self._running.inc()
        try:
            yield
        finally:
            self._running.dec()

    def routed(self) -> None:
        """Another GPU's engine has begun to answer."""
        self._routed.inc()

    def decoding(self, decode: Callable[P, T]) -> Callable[P, T]:
        """``decode`` with its CPU counted: the process's, which is at nothing else meanwhile."""

        def counted(*args: P.args, **kwargs: P.kwargs) -> T:
            began = time.process_time()
            try:
                return decode(*args, **kwargs)
            finally:
                self._decode_cpu.inc(time.process_time() - began)

        return counted

    def _close(self, account: Account, seconds: float) -> None:
        if account.outcome is None:
            return
        if account.request_id != CANARY:
            _REQUESTS.labels(*self._model, account.transport, account.outcome).inc()
            _SECONDS.labels(*self._model, account.transport).observe(seconds)
        line: dict[str, Any] = {
            "request_id": account.request_id,
            "outcome": account.outcome,
            "seconds": round(seconds, 3),
            "transport": account.transport,
            "operations": account.operations,
            "failed": account.failed,
            "stream": account.stream,
        }
        if account.question is not None:
            line["question"] = account.question
        logger.info("%s", json.dumps(line))
