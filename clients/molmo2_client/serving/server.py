"""Starts TorchServe, waits until every model answers, and stops what it started."""

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from molmo2_client.client import Molmo2
from molmo2_client.errors import Molmo2Error
from molmo2_client.serving.archives import served_names
from molmo2_client.serving.beside import Beside
from molmo2_client.serving.engine_logs import EngineLogs
from molmo2_client.serving.loading import is_loading
from molmo2_client.serving.options import ServeOptions, ServerFailed, check, check_ports
from molmo2_client.serving.run_directory import held
from molmo2_client.serving.torchserve import STOP_SECONDS, start_torchserve, stop_torchserve
from molmo2_contract.run_directory import KEY_FILE


@dataclass(frozen=True)
class RunningServer:
    """A TorchServe that answers."""

    options: ServeOptions
    models: tuple[str, ...]
    process: "subprocess.Popen[bytes]"
    beside: Beside | None = None

    @property
    def http_url(self) -> str:
        scheme = "https" if self.options.tls else "http"
        return f"{scheme}://127.0.0.1:{self.options.ports.http}"

    @property
    def grpc_url(self) -> str:
        scheme = "grpcs" if self.options.tls else "grpc"
        return f"{scheme}://127.0.0.1:{self.options.ports.grpc}"

    @property
    def ca_file(self) -> Path | None:
        """What a client must trust beyond the system's authorities: the server's certificate."""
        return self.options.tls.certificate if self.options.tls is not None else None

    @property
    def health_url(self) -> str:
        """Of a watched server: /livez, /readyz and /metrics."""
        return f"http://127.0.0.1:{self.options.ports.health}"

    @property
    def key_file(self) -> Path:
        """TorchServe's tokens, made anew at each start."""
        return self.options.run / KEY_FILE

    @property
    def log(self) -> Path:
        return self.options.log


@contextmanager
def running_server(
    options: ServeOptions, tell: Callable[[str], None] = lambda _: None
) -> Iterator[RunningServer]:
    """A TorchServe for as long as the block lasts; ``tell`` hears how the start goes.

    KeyboardInterrupt, in the block or while models still load, has a watched server drained.

    Raises:
        ServerFailed: saying why, and what to do.
    """
    archives = check(options)
    models = served_names(options.model_store, archives)
    with held(options.run) as lock:
        check_ports(options.ports)
        engines = EngineLogs(options.run)
        process = start_torchserve(options, archives, lock)
        beside = _beside(options) if options.watched else None
        server = RunningServer(options, models, process, beside)
        try:
            if beside is not None:
                beside.keep()
            for model in models:
                tell(f"waiting for {model} to answer")
                for url in (server.http_url, server.grpc_url):  # gRPC listens a moment later
                    _wait(server, model, url, engines)
            yield server
        except KeyboardInterrupt:
            if beside is not None:
                _drain(beside, tell)
            raise
        finally:
            tell("stopping TorchServe")
            stop_torchserve(options.run, process)
            _wait_for_engines(options.run)
            if beside is not None:
                beside.end()


def _drain(beside: Beside, tell: Callable[[str], None]) -> None:
    tell("finishing the requests in flight")
    drained = beside.drain()
    tell(beside.report)
    if not drained:
        raise ServerFailed("the server was stopped with requests unanswered") from None


def _beside(options: ServeOptions) -> Beside:
    run, ports = options.run, options.ports
    arguments = {
        "run-directory": run,
        "inference": f"{'https' if options.tls else 'http'}://127.0.0.1:{ports.http}",
        "management": f"http://127.0.0.1:{ports.management}",
        "grpc-port": ports.grpc,
        "health-port": ports.health,
        "grpc-health-port": ports.grpc_health,
        "grace": options.grace,
        "exit-with": os.getpid(),
    }
    if options.renew_keys_every:
        arguments["renew-keys-every"] = options.renew_keys_every
    if options.tls is not None:
        arguments["certificate"] = options.tls.certificate.resolve()
    given = [f"--{name}={value}" for name, value in arguments.items()]
    return Beside([*given, *options.watch_options], run / "watch.log", options.grace)


def _wait(server: RunningServer, model: str, url: str, engines: EngineLogs) -> None:
    """Until the model's engine says, over this transport, that it can generate."""
    deadline = time.monotonic() + server.options.start_timeout
    while (why := _why_not(server, model, url)) is not None:
        if server.process.poll() is not None:
            raise ServerFailed(f"TorchServe ended; its log is {server.log}\n{_tail(server)}")
        if (refusal := engines.refusal()) is not None:
            raise ServerFailed(f"{model} cannot start: {refusal}")
        if time.monotonic() > deadline:
            raise ServerFailed(
                f"{model} did not answer within {server.options.start_timeout:g} s: {why}; "
                f"the log is {server.log}"
            )
        time.sleep(0.5)


def _why_not(server: RunningServer, model: str, url: str) -> str | None:
    """None when the model has answered."""
    # Written before anything listens, unless the configuration wants no tokens.
    key_file = server.key_file if server.key_file.exists() else None
    if is_loading(f"http://127.0.0.1:{server.options.ports.management}", key_file, model):
        return "it still loads"
    asking = partial(Molmo2, url, key_file=key_file, ca_file=server.ca_file)
    try:
        with asking(model=model, timeout=20, retries=0) as client:
            client.info()
    except Molmo2Error as error:
        return str(error)
    return None


def _tail(server: RunningServer, lines: int = 15) -> str:
    """What was written last; a JVM that does not start has only standard error."""
    logs = (log for log in (server.options.jvm_log, server.log) if log.exists())
    written = [line for log in logs for line in log.read_text(errors="replace").splitlines()]
    return "\n".join(written[-lines:])


def _wait_for_engines(run: Path) -> None:
    """Engines end a moment after the JVM; each holds a lock as long as it lives."""
    deadline = time.monotonic() + STOP_SECONDS
    for path in run.glob("*.engine"):
        with path.open("a") as lock:
            while time.monotonic() < deadline:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.1)
