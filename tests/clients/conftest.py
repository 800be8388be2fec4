"""What answers the clients, and how they are called.

A real TorchServe with the echo archive, for all four kinds of client, called alike; and a small
HTTP server that answers about the frames of real files, for everything above the transport.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from inspect import isasyncgen, iscoroutine
from pathlib import Path
from typing import Any

import pytest
from contract_server import ContractServer
from small_videos import render

from molmo2_client import AsyncMolmo2, Molmo2
from molmo2_client.serving import Ports, RunningServer, ServeOptions, running_server

ARCHIVE = Path(__file__).parent / "echo_archive"
PROPERTIES = Path(__file__).parents[2] / "config.properties"

SMALLER = """
max_request_size=1000000
vmargs=-Xmx512m
"""


@pytest.fixture(scope="session")
def serve_echo(tmp_path_factory: pytest.TempPathFactory) -> ServeOptions:
    """TorchServe as the project configures it, but for requests of up to 1 000 000 bytes.

    It serves ``echo`` and the one-worker ``narrow``.
    """
    folder = tmp_path_factory.mktemp("echo")
    (folder / "config.properties").write_text(PROPERTIES.read_text() + SMALLER)
    _archive("echo", "model-config.yaml", folder / "store")
    _archive("narrow", "narrow-config.yaml", folder / "store")
    return ServeOptions(
        model_store=folder / "store",
        run_directory=folder,
        properties=folder / "config.properties",
        ports=Ports.unused(),
        start_timeout=90,
    )


@pytest.fixture(scope="session")
def torchserve(serve_echo: ServeOptions) -> Iterator[RunningServer]:
    """A running TorchServe with the echo archive."""
    with running_server(serve_echo) as server:
        yield server


def _archive(model: str, config: str, store: Path) -> None:
    store.mkdir(exist_ok=True)
    extra = ",".join(str(ARCHIVE / name) for name in ("echo.py", "torch.py"))
    archiver = Path(sys.executable).with_name("torch-model-archiver")
    command = [archiver, "--model-name", model, "--version", "1.0", "--export-path", store]
    command += ["--handler", ARCHIVE / "handler.py", "--extra-files", extra]
    command += ["--config-file", ARCHIVE / config]
    subprocess.run(command, check=True)


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
    "sync-http": (Threaded, "http_url"),
    "sync-grpc": (Threaded, "grpc_url"),
    "async-http": (Blocking, "http_url"),
    "async-grpc": (Blocking, "grpc_url"),
}


@pytest.fixture
def open_client() -> Iterator[Callable[..., Any]]:
    """Makes clients of the kind and for the server named; without other word they ask ``echo``,
    once."""
    opened = []

    def make(kind: str, server: RunningServer, **settings: Any) -> Any:
        client, url = KINDS[kind]
        defaults = {"url": getattr(server, url), "model": "echo", "key_file": server.key_file}
        opened.append(client(**{"retries": 0} | defaults | settings))
        return opened[-1]

    yield make
    for client in opened:
        client.close()


@pytest.fixture(params=KINDS)
def connect(
    request: pytest.FixtureRequest, torchserve: RunningServer, open_client: Callable[..., Any]
) -> Callable[..., Any]:
    """Makes clients of one of the four kinds."""
    return partial(open_client, request.param, torchserve)


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    """A client of each of the four kinds."""
    return connect()


@pytest.fixture
def contract_server() -> Iterator[ContractServer]:
    server = ContractServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of five small videos, one of them in a folder of its own, and a text."""
    folder = tmp_path_factory.mktemp("clips")
    for name in ("a.mp4", "b.mp4", "c.MP4", "d.mp4", "more/e.mp4"):
        (folder / name).parent.mkdir(exist_ok=True)
        render(folder / name, [Fraction(n, 10) for n in range(21)])
    (folder / "notes.txt").write_text("no video")
    return folder
