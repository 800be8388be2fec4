"""What is to be served and where, and every fault of it that can be seen before a start."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from molmo2_client.serving.configuration import Ports, Tls

LONGEST_RUN_DIRECTORY = 70
"""Characters; the path of a Unix socket inside it may have 107."""

LOG_BYTES = 16 * 2**20
"""Of each log; with those kept four times that, and of all logs of a server with one engine
5 x 4 x 16 MiB = 320 MiB."""


class ServerFailed(Exception):
    """TorchServe could not be started, or ended before it answered."""


def usual_properties() -> Path:
    """``config.properties`` of the working folder, or the project's own where that has none."""
    here = Path("config.properties")
    return here if here.is_file() else Path(__file__).with_name("config.properties")


@dataclass(frozen=True)
class ServeOptions:
    """What to serve, and where."""

    model_store: Path = Path("model-store")
    models: Sequence[str] = ()
    """Archives in the model store, without ``.mar``; none means all of them, by their names."""
    run_directory: Path = Path("run")
    """Logs, tokens and sockets of this run."""
    properties: Path = field(default_factory=usual_properties)
    ports: Ports = field(default_factory=Ports)
    allowed_roots: Sequence[Path] = ()
    """Folders whose videos a request may name."""
    tls: Tls | None = None
    """Inference with TLS. TorchServe's HTTP port answers without it, too."""
    log_bytes: int = LOG_BYTES
    """Of each log, before it is turned over; three before it are kept."""
    log_requests: bool = False
    """Whether each request's line goes to standard output, too."""
    start_timeout: float = 900.0
    """Seconds until every model must answer."""
    watched: bool = False
    """Whether a process beside TorchServe tells its health, heals it and drains it."""
    grace: float = 30.0
    """Seconds that requests in flight get when a watched server is drained."""
    renew_keys_every: float = 0.0
    """Seconds after which a watched server has a new inference key; 0 keeps its first."""
    watch_options: Sequence[str] = ()
    """Further options of ``python -m molmo2_ops``."""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def run(self) -> Path:
        """The run directory's full path."""
        return self.run_directory.resolve()

    @property
    def log(self) -> Path:
        """What TorchServe and its workers say."""
        return self.run / "torchserve.log"

    @property
    def jvm_log(self) -> Path:
        """What the JVM says by itself: some lines at its start, or why there is none."""
        return self.run / "jvm.log"


def check(options: ServeOptions) -> tuple[str, ...]:
    """The archives that will be served; every fault that needs no folder to be seen is named."""
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
    if options.tls is not None and (
        unread := [path for path in vars(options.tls).values() if not path.is_file()]
    ):
        raise ServerFailed(f"{unread[0]} is no file: name one with --certificate or --private-key")
    if options.watched and find_spec("molmo2_ops") is None:
        raise ServerFailed("molmo2_ops is missing: pip install 'molmo2-torchserve[server]'")
    if len(str(options.run)) > LONGEST_RUN_DIRECTORY:
        raise ServerFailed(
            f"the run directory's path has more than {LONGEST_RUN_DIRECTORY} characters, too many "
            "for the sockets in it: choose a shorter one with --run-directory"
        )
    if missing := [root for root in options.allowed_roots if not root.is_dir()]:
        raise ServerFailed(f"{missing[0]} is no folder: name one that is with --allow-root")
    return models


def check_ports(ports: Ports) -> None:
    """Each must be free, and no other's."""
    users: dict[int, str] = {}
    for name, port in vars(ports).items():
        option = f"--{name.replace('_', '-')}-port"
        if port in users:
            raise ServerFailed(f"{users[port]} and {option} are both {port}: give each its own")
        users[port] = option
        if not _free(port):
            raise ServerFailed(
                f"port {port} is taken: stop what listens there, or choose another with {option}"
            )


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
