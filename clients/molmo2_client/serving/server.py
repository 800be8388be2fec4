"""Starts TorchServe, waits until every model answers, and stops what it started."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from molmo2_client.client import Molmo2
from molmo2_client.errors import Molmo2Error
from molmo2_client.serving.configuration import Ports, write_properties
from molmo2_client.serving.java import JavaMissing, find_java_home

LONGEST_RUN_DIRECTORY = 70
"""Characters; the path of a Unix socket inside it may have 107."""

STOP_SECONDS = 30.0
"""How long TorchServe may take to stop before it is killed."""


class ServerFailed(Exception):
    """TorchServe could not be started, or ended before it answered."""


@dataclass(frozen=True)
class ServeOptions:
    """What to serve, and where."""

    model_store: Path = Path("model-store")
    models: Sequence[str] = ()
    """Names of archives in the model store, without ``.mar``; none means all of them."""
    run_directory: Path = Path("run")
    """Logs, tokens and sockets of this run."""
    properties: Path = Path("config.properties")
    ports: Ports = field(default_factory=Ports)
    allowed_roots: Sequence[Path] = ()
    """Folders whose videos a request may name."""
    start_timeout: float = 900.0
    """Seconds until every model must answer."""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RunningServer:
    """A TorchServe that answers."""

    options: ServeOptions
    models: tuple[str, ...]
    process: "subprocess.Popen[bytes]"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.options.ports.http}"

    @property
    def grpc_url(self) -> str:
        return f"grpc://127.0.0.1:{self.options.ports.grpc}"

    @property
    def key_file(self) -> Path:
        """TorchServe's tokens, made anew at each start."""
        return self.options.run_directory.resolve() / "key_file.json"

    @property
    def log(self) -> Path:
        return _log(self.options)


@contextmanager
def running_server(
    options: ServeOptions, tell: Callable[[str], None] = lambda _: None
) -> Iterator[RunningServer]:
    """A TorchServe for as long as the block lasts; ``tell`` hears how the start goes.

    Raises:
        ServerFailed: saying why, and what to do.
    """
    models = _check(options)
    process = _start(options, models)
    server = RunningServer(options, models, process)
    try:
        for model in models:
            tell(f"waiting for {model} to answer")
            for url in (server.http_url, server.grpc_url):  # gRPC listens a moment later
                _wait(server, model, url)
        yield server
    finally:
        tell("stopping TorchServe")
        _stop(server)


def _check(options: ServeOptions) -> tuple[str, ...]:
    """The models that will be served; every fault that can be seen before a start is named."""
    there = sorted(archive.stem for archive in options.model_store.glob("*.mar"))
    models = tuple(options.models or there)
    if not models:
        raise ServerFailed(
            f"{options.model_store} holds no archive (*.mar): run `make archive`, or name the "
            "folder with --model-store"
        )
    if absent := [model for model in models if model not in there]:
        raise ServerFailed(
            f"{options.model_store} has no archive {absent[0]}.mar; it has {', '.join(there)}"
        )
    if not options.properties.is_file():
        raise ServerFailed(f"{options.properties} is not there: name it with --properties")
    if find_spec("ts") is None:
        raise ServerFailed("TorchServe is missing: pip install 'molmo2-torchserve[server]'")
    if len(str(options.run_directory.resolve())) > LONGEST_RUN_DIRECTORY:
        raise ServerFailed(
            f"the run directory's path has more than {LONGEST_RUN_DIRECTORY} characters, too many "
            "for the sockets in it: choose a shorter one with --run-directory"
        )
    if missing := [root for root in options.allowed_roots if not root.is_dir()]:
        raise ServerFailed(f"{missing[0]} is no folder: name one that is with --allow-root")
    for name, port in vars(options.ports).items():
        if not _free(port):
            raise ServerFailed(
                f"port {port} is taken: stop what listens there, or choose another with "
                f"--{name.replace('_', '-')}-port"
            )
    return models


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _start(options: ServeOptions, models: Sequence[str]) -> "subprocess.Popen[bytes]":
    run = options.run_directory.resolve()
    temporary = run / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    (run / "key_file.json").unlink(missing_ok=True)
    write_properties(
        options.properties,
        run / "config.properties",
        options.ports,
        options.model_store,
        models,
    )
    try:
        java = find_java_home()
    except JavaMissing as error:
        raise ServerFailed(str(error)) from None
    environment = {
        **os.environ,
        "JAVA_HOME": str(java),
        "PATH": f"{Path(sys.executable).parent}:{java}/bin:{os.environ.get('PATH', '')}",
        "TMPDIR": str(temporary),
        "TEMP": str(temporary),
        "LOG_LOCATION": str(run / "logs"),
        "METRICS_LOCATION": str(run / "logs"),
        "MOLMO2_HANDLER_RUN_DIRECTORY": str(run),
        **options.environment,
    }
    if options.allowed_roots:
        roots = [str(root.resolve()) for root in options.allowed_roots]
        environment["MOLMO2_HANDLER_VIDEO__ALLOWED_ROOTS"] = json.dumps(roots)
    command = [sys.executable, "-m", "ts.model_server", "--start", "--foreground"]
    with _log(options).open("wb") as log:
        return subprocess.Popen(
            [*command, "--no-config-snapshots", "--ts-config", str(run / "config.properties")],
            cwd=run,  # TorchServe writes its tokens where it is started
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we then stop it in order
        )


def _log(options: ServeOptions) -> Path:
    return options.run_directory.resolve() / "torchserve.log"


def _wait(server: RunningServer, model: str, url: str) -> None:
    """Until the model's engine says, over this transport, that it can generate."""
    deadline = time.monotonic() + server.options.start_timeout
    while True:
        if server.process.poll() is not None:
            raise ServerFailed(f"TorchServe ended; its log is {server.log}\n{_tail(server.log)}")
        try:
            with Molmo2(
                url, model=model, key_file=server.key_file, timeout=20, retries=0
            ) as client:
                client.info()
                return
        except Molmo2Error as error:
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"{model} did not answer within {server.options.start_timeout:g} s: {error}; "
                    f"the log is {server.log}"
                ) from None
        time.sleep(0.5)


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _stop(server: RunningServer) -> None:
    """Asks the JVM to end; its workers and engines end with it."""
    pid_file = server.options.run_directory.resolve() / "tmp" / ".model_server.pid"
    try:
        os.kill(int(pid_file.read_text()), signal.SIGTERM)
    except (OSError, ValueError):
        server.process.terminate()
    try:
        server.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(server.process.pid, signal.SIGKILL)
        server.process.wait()
    _wait_for_engines(server.options.run_directory.resolve())


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
