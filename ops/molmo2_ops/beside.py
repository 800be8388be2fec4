"""The process beside one TorchServe: looks, judges, heals, tells, and drains at the end."""

import logging
import threading
import time
from contextlib import ExitStack
from dataclasses import replace

from prometheus_client import CollectorRegistry

from molmo2_contract.run_directory import DRAINING, KEY_FILE, WORKER_COUNTS
from molmo2_engine.client.process_state import is_running
from molmo2_ops.canary import Canary
from molmo2_ops.drain import Drain
from molmo2_ops.drain_report import DrainReport
from molmo2_ops.engines import Engines
from molmo2_ops.exposition import ServerCollector, page
from molmo2_ops.health_server import GrpcHealth, http_server
from molmo2_ops.key_renewal import KeyRenewal
from molmo2_ops.management import Management
from molmo2_ops.observation import Observation, Observer
from molmo2_ops.prover import Prover
from molmo2_ops.queue_wait import QueueWait
from molmo2_ops.readiness import Readiness
from molmo2_ops.refusals import Refusals
from molmo2_ops.settings import OpsSettings
from molmo2_ops.torchserve_process import TorchServeProcess
from molmo2_ops.turns import Turns
from molmo2_ops.wanted_workers import WantedWorkers
from molmo2_ops.watchdog import Watchdog
from molmo2_ops.worker_counts import WorkerCounts
from molmo2_ops.worker_pulses import WorkerPulses

logger = logging.getLogger(__name__)

_SECONDS_OF_ENGINES = 60.0
"""How long the end of the engines is watched over."""

_SECONDS_BETWEEN_BEATS = 0.5
"""How often an engine says that it lives."""


class Beside:
    """Everything that is done for one server, until ``stop`` or the server's end."""

    def __init__(self, settings: OpsSettings) -> None:
        run, key_file = settings.run_directory, settings.run_directory / KEY_FILE
        self._settings = settings
        self._stop = threading.Event()
        self._over = threading.Event()
        self._resources = ExitStack()
        self._own = CollectorRegistry()
        self._turns = Turns(self._own)
        self._management = Management(settings.management, key_file)
        self._resources.callback(self._management.close)
        self._keys = KeyRenewal(self._management, settings.renew_keys_every)
        self._torchserve = TorchServeProcess(run)
        self._engines = Engines(run)
        self._resources.callback(self._engines.close)
        self._canary = Canary(
            settings.inference, key_file, settings.canary_timeout, settings.certificate
        )
        self._resources.callback(self._canary.close)
        counts = WorkerCounts(run / WORKER_COUNTS)
        self._observer = Observer(self._management, self._engines, counts, self._canary)
        self._refusals = Refusals(run, self._own)
        self._resources.callback(self._refusals.close)
        self._queue_wait = QueueWait(self._own)
        self._wanted = WantedWorkers(run, lambda: self._torchserve.identity)
        self._watchdog = Watchdog(
            self._management,
            self._engines,
            WorkerPulses(run),
            self._wanted,
            self._own,
            patience=settings.patience,
            retry_seconds=settings.retry_seconds,
        )
        self._server = CollectorRegistry()
        self._server.register(ServerCollector(self, counts))
        self.seen = Observation(reachable=False)
        self._loaded: set[str] = set()
        self.readiness = Readiness(settings.proof_seconds, settings.hopeless_seconds)
        self._prover = Prover(self._canary, self.readiness, settings.canary_interval, self._own)

    def run(self) -> DrainReport | None:
        """Until TorchServe has ended, by itself (then None) or drained because of ``stop``.

        Raises:
            NotWatchable: if TorchServe was not started so that it can be watched.
        """
        settings = self._settings
        (settings.run_directory / DRAINING).unlink(missing_ok=True)
        http = http_server(self, settings.address, settings.health_port)
        self._grpc = GrpcHealth(settings.address, settings.grpc_health_port)
        with self._resources:
            self._resources.callback(self._grpc.close)
            self._resources.callback(http.server_close)
            self._resources.callback(http.shutdown)
            self._resources.callback(self._over.set)
            threading.Thread(target=http.serve_forever, name="http", daemon=True).start()
            self._turns.keep("canaries", self._prove, settings.interval, self._stop)
            # Apart from the looks: one at an engine that hangs waits for what it will not tell.
            beats = _SECONDS_BETWEEN_BEATS
            self._turns.keep("heartbeats", self._watchdog.end_silent, beats, self._over)
            # Also when nobody looks any more, which is news.
            self._turns.keep("grpc health", self._tell_grpc, settings.interval, self._over)
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
        return self._wanted.of(model)

    @property
    def why_dead(self) -> str | None:
        """Why nothing but a restart will help, or None."""
        # A canary may take its whole time.
        longest = self._settings.proof_seconds + self._settings.canary_timeout
        return self.readiness.why_dead or self._turns.overdue(longest)

    def _look(self) -> None:
        with self._turns.turn("looks"):
            seen = self._observer.look()
            if seen.reachable and not self.seen.reachable:
                self._torchserve.check()
            self._loaded.update(model.address for model in seen.models if model.is_loaded)
            with self._turns.turn("heals"):
                self._watchdog.heal(seen)
            self._tell(seen)
            self._queue_wait.add(seen)
        with self._turns.turn("log"):
            self._refusals.read()
        with self._turns.turn("keys"):
            self._keys.renew_if_due()

    def _tell(self, seen: Observation) -> None:
        self.seen = seen
        # A model that is to have no workers is none that is asked for.
        served = tuple(model for model in seen.models if self.wanted(model.address))
        self.readiness.judge(replace(seen, models=served))
        self._tell_grpc()

    def _tell_grpc(self) -> None:
        models = self.seen.models
        addresses = {model.address: model.address for model in models}
        self._grpc.tell(self.readiness, {**addresses, **{m.name: m.address for m in models}})

    def _prove(self) -> None:
        self._prover.prove(self.seen, asked=lambda: self._turns.ended("canaries"))

    def _end_engines(self) -> None:
        """Engines end with TorchServe by themselves, or as silent ones."""
        until = time.monotonic() + _SECONDS_OF_ENGINES
        while not self._engines.have_ended and time.monotonic() < until:
            time.sleep(0.2)

    def _drain(self) -> DrainReport:
        for task in ("looks", "heals", "log", "keys"):
            self._turns.over(task)
        settings, last = self._settings, self.seen
        self.readiness.draining = True
        self._tell_grpc()
        drain = Drain(self._seen, settings.run_directory, settings.inference_ports, self._loaded)
        drain.begin(last)
        return drain.wait(settings.grace, self._tell)

    def _seen(self) -> Observation:
        """What a look shows; where it fails nothing is known."""
        with self._turns.turn("looks"):
            return self._observer.look()
        return Observation(reachable=False)
