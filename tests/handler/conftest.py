"""TorchServe's side of a request worker, with its own Python code, and an engine to ask."""

import os
import socket
import struct
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import pytest

from molmo2_demo.generate import DemoVideo, generate
from molmo2_engine.client import EngineConnection
from molmo2_handler.engine_process import engine_launch
from molmo2_handler.settings import HandlerSettings

with warnings.catch_warnings():  # TorchServe leaves the file with its version open
    warnings.simplefilter("ignore", ResourceWarning)
    from ts.context import Context
    from ts.metrics.metrics_store import MetricsStore
    from ts.protocol.otf_message_handler import retrieve_msg
    from ts.service import Service

    from molmo2_handler.service import Molmo2Handler

ARCHIVE = Path(__file__).parents[2] / "demo"
"""A folder with a checkpoint in it, as TorchServe unpacks an archive."""
EntryPoint = Callable[[list[dict[str, Any]], Any], list[bytes]]


Part = tuple[str, bytes, str]
"""Name, content and content type. The whole body of an HTTP request is called ``body``."""


@dataclass(frozen=True)
class Reply:
    """One message of a worker to the front end."""

    status: int
    phrase: str
    content_type: str
    headers: dict[str, str]
    body: bytes


class FrontEnd:
    """What the JVM writes to a worker and reads from it; between them is TorchServe's Python."""

    def ask(
        self,
        entry_point: EntryPoint,
        parts: Sequence[Part],
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> Iterator[Reply]:
        """Everything that a worker sends in answer to one request, as soon as it does."""
        service = Service(
            "molmo2", "/", {}, entry_point, None, 1, metrics_cache=MetricsStore({}, "molmo2")
        )
        mine, theirs = socket.socketpair()
        with mine, theirs, mine.makefile("rb") as incoming:
            worker = threading.Thread(target=_work, args=(service, theirs))
            worker.start()
            mine.sendall(_predict_message(parts, headers))
            yield from _replies(incoming)
            worker.join()


def _work(service: Service, connection: socket.socket) -> None:
    _, batch = retrieve_msg(connection)
    service.set_cl_socket(connection)
    connection.sendall(service.predict(batch))
    connection.shutdown(socket.SHUT_WR)


def _predict_message(parts: Sequence[Part], headers: Mapping[str, str]) -> bytes:
    end = struct.pack("!i", -1)
    return b"".join(
        [
            b"I" + _counted(b"request-1"),
            *(_counted(name.encode()) + _counted(headers[name].encode()) for name in headers),
            end,
            *(
                _counted(name.encode()) + _counted(content_type.encode()) + _counted(content)
                for name, content, content_type in parts
            ),
            end,
            end,
        ]
    )


def _counted(content: bytes) -> bytes:
    return struct.pack("!i", len(content)) + content


def _replies(incoming: BinaryIO) -> Iterator[Reply]:
    while code := incoming.read(4):
        assert struct.unpack("!i", code) == (200,)
        assert _text(incoming) == "Prediction success"
        assert _text(incoming) == "request-1"
        content_type, status, phrase = _text(incoming), _number(incoming), _text(incoming)
        headers = {_text(incoming): _text(incoming) for _ in range(_number(incoming))}
        yield Reply(status, phrase, content_type, headers, incoming.read(_number(incoming)))
        assert _number(incoming) == -1


def _number(incoming: BinaryIO) -> int:
    (value,) = struct.unpack("!i", incoming.read(4))
    return int(value)


def _text(incoming: BinaryIO) -> str:
    return str(incoming.read(_number(incoming)), "utf-8")


@pytest.fixture(scope="session")
def front_end() -> FrontEnd:
    return FrontEnd()


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> DemoVideo:
    """Four seconds of one moving shape."""
    (rendered,) = generate(tmp_path_factory.mktemp("videos"), 1, seed=0)
    return rendered


@pytest.fixture(scope="session")
def model_config(tmp_path_factory: pytest.TempPathFactory, video: DemoVideo) -> dict[str, Any]:
    """A ``model-config.yaml`` for the demonstration model, in the folder ``ARCHIVE``."""
    return {
        "handler": {
            "run_directory": str(tmp_path_factory.mktemp("run")),
            "video": {"allowed_roots": [str(video.path.parent)]},
        },
        "engine": {
            "checkpoint": "checkpoint",
            "dtype": "float32",
            "threads": 1,
            "max_sequences": 6,
            "max_context_tokens": 1024,
        },
    }


@pytest.fixture(scope="session")
def engine(model_config: dict[str, Any]) -> Iterator[EngineConnection]:
    """The engine of such workers, in its own process; it ends with the tests."""
    settings = HandlerSettings(**model_config["handler"])
    launch = engine_launch(settings, model_config["engine"], ARCHIVE, gpu=None)
    ending = {**launch.settings, "exit_with": os.getpid()}
    connection = EngineConnection(replace(launch, settings=ending))
    connection.describe()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def handler(engine: EngineConnection, model_config: dict[str, Any]) -> Molmo2Handler:
    """A handler as TorchServe has initialized it, whose engine runs."""
    engine.describe()  # the handler finds it
    context = Context(
        model_name="molmo2-demo",
        model_dir=str(ARCHIVE),
        manifest={"model": {"modelVersion": "1.0"}},
        batch_size=1,
        gpu=None,
        mms_version="0.12.0",
        model_yaml_config=model_config,
    )
    handler = Molmo2Handler()
    handler.initialize(context)
    return handler
