"""The process beside one TorchServe: looks, judges, heals, tells, and drains at the end."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from prometheus_client import CollectorRegistry, Counter

from molmo2_ops.canary import Canary
from molmo2_ops.drain import DRAINING, Drain, DrainReport
from molmo2_ops.engines import Engines
from molmo2_ops.exposition import ServerCollector, page
from molmo2_ops.health_server import GrpcHealth, http_server
from molmo2_ops.management import Management, ManagementUnreachable
from molmo2_ops.observation import Observation, Observer
from molmo2_ops.readiness import Readiness
from molmo2_ops.settings import OpsSettings
from molmo2_ops.torchserve_process import TorchServeProcess
from molmo2_ops.watchdog import Watchdog
from molmo2_ops.worker_counts import WorkerCounts
from molmo2_ops.worker_processes import is_running
from molmo2_ops.worker_pulses import WorkerPulses

logger = logging.getLogger(__name__)

_SECONDS_OF_ENGINES = 60.0
"""How long the end of the engines is watched over."""

_SECONDS_BETWEEN_BEATS = 0.5
"""How often an engine says that it lives."""


class Beside:
    """Everything that is done for one server, until ``stop`` or the server's end."""

    def __init__(self, settings: OpsSettings) -> None:
        run, key_file = settings.run_directory, settings.run_directory / "key_file.json"
        self._settings = settings
        self._stop = threading.Event()
        self._over = threading.Event()
        self._resources = ExitStack()
        self._management = Management(settings.management, key_file)
        self._resources.callback(self._management.close)
        self._keys_renewed = time.monotonic()
        self._torchserve = TorchServeProcess(run)
        self._engines = Engines(run)
        self._resources.callback(self._engines.close)
        self._canary = Canary(
            settings.inference, key_file, settings.canary_timeout, settings.certificate
        )
        self._resources.callback(self._canary.close)
        counts = WorkerCounts(run / "counts")
        self._observer = Observer(self._management, self._engines, counts, self._canary)
        self._own = CollectorRegistry()
        self._canaries = Counter(
            "molmo2_canaries",
            "Tokens generated only to see that they come.",
            ["model", "outcome"],
            registry=self._own,
        )
        self._watchdog = Watchdog(
            self._management,
            self._engines,
            WorkerPulses(run),
            self._own,
            patience=settings.patience,
            retry_seconds=settings.retry_seconds,
        )
        self._server = CollectorRegistry()
        self._server.register(ServerCollector(self, counts))
        self.seen = Observation(reachable=False)
        self._loaded: set[str] = set()
        self.readiness = Readiness(settings.proof_seconds, settings.hopeless_seconds)

    def run(self) -> DrainReport | None:
        """Until TorchServe has ended, by itself (then None) or drained because of ``stop``."""
        settings = self._settings
        (settings.run_directory / DRAINING).unlink(missing_ok=True)
        http = http_server(self, settings.address, settings.health_port)
        self._grpc = GrpcHealth(settings.address, settings.grpc_health_port)
        with self._resources:
            self._resources.callback(self._grpc.close)
            self._resources.callback(http.server_close)
            self._resources.callback(http.shutdown)
            self._resources.callback(self._over.set)
            _thread(http.serve_forever)
            _thread(self._prove)
            _thread(self._end_silent)
            while not self._stop.wait(settings.interval):
                if self._torchserve.has_ended:
                    self._end_engines()
                    return None
                if settings.exit_with is not None and not is_running(settings.exit_with):
                    logger.warning("process %d has ended; so does the server", settings.exit_with)
                    self.stop()
                self._look()
            report = self._drain()
            self._torchserve.stop()
            self._end_engines()
            return report

    def stop(self) -> None:
        """Begins the drain; may be called from a signal's handler."""
        self._stop.set()

    def metrics(self) -> bytes:
        return page([self._server, self._own])

    def wanted(self, model: str) -> int:
        return self._watchdog.wanted(model)

    def _look(self) -> None:
        seen = self._observer.look()
        self._loaded.update(model.address for model in seen.models if model.is_loaded)
        self._watchdog.heal(seen)
        self._tell(seen)
        self._renew_keys()

    def _renew_keys(self) -> None:
        every, now = self._settings.renew_keys_every, time.monotonic()
        if not every or now - self._keys_renewed < every:
            return
        try:
            self._management.renew_key("inference")
        except ManagementUnreachable as error:
            logger.warning("the inference key could not be renewed: %s", error)
        else:
            self._keys_renewed = now

    def _tell(self, seen: Observation) -> None:
        self.seen = seen
        self.readiness.judge(seen)
        self._grpc.tell(self.readiness, [model.name for model in seen.models])

    def _prove(self) -> None:
        """Generates a token for each model that was not seen to generate for a while.

        Not while it loads: TorchServe would keep each attempt in its queue.
        """
        settings = self._settings
        while not self._stop.wait(settings.interval):
            for model in [model for model in self.seen.models if model.is_loaded]:
                if self.readiness.wants_proof(model.address, settings.canary_interval):
                    failure = self._canary.ask(model.address)
                    self.readiness.generated(model.address, failure)
                    self._canaries.labels(model.name, "failed" if failure else "ok").inc()

    def _end_silent(self) -> None:
        """Apart from the looks: one at an engine that hangs waits for what it will not tell."""
        while not self._over.wait(_SECONDS_BETWEEN_BEATS):
            self._watchdog.end_silent()

    def _end_engines(self) -> None:
        """Engines end with TorchServe by themselves, or as silent ones."""
        until = time.monotonic() + _SECONDS_OF_ENGINES
        while not self._engines.have_ended and time.monotonic() < until:
            time.sleep(0.2)

    def _drain(self) -> DrainReport:
        self.readiness.draining = True
        settings = self._settings
        ports = (int(settings.inference.rpartition(":")[2]), settings.grpc_port)
        drain = Drain(self._observer, settings.run_directory, ports, self._loaded)
        owed = drain.begin()
        self._tell(self.seen)
        return drain.wait(owed, settings.grace, self._tell)


def _thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True).start()
