"""A video that a server's engine holds, and questions about it at the engine's own socket."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from molmo2_client.serving import RunningServer
from molmo2_contract.operations import Operation
from molmo2_contract.video import Video
from molmo2_engine.client import EngineConnection, EngineLaunch
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_handler.engine_messages import to_engine
from molmo2_handler.video import VideoLimits, open_video

TIMEOUT = 60.0
"""Seconds."""


@dataclass(frozen=True)
class HeldVideo:
    """How the engine knows the video."""

    path: Path
    engine: EngineConnection
    key: bytes
    times: list[float]


@contextmanager
def held_video(server: RunningServer, path: Path) -> Iterator[HeldVideo]:
    """``path`` must have been asked about before, so that the engine needs no frames of it."""
    (socket,) = server.options.run.glob("engine-*.sock")
    engine = EngineConnection(EngineLaunch(socket))
    limits = VideoLimits(allowed_roots=(path.parent,))
    asked = Video(uri=path.as_uri())
    with open_video(asked, None, limits, time.monotonic() + TIMEOUT) as video:
        held = HeldVideo(path, engine, video.key, list(video.info.sampled.times))
    try:
        yield held
    finally:
        engine.close()


def ask_engine(held: HeldVideo, operations: Sequence[Operation]) -> str:
    """As a request worker asks it, without the worker."""
    message = wire.AnswerRequest(
        video=wire.Video(key=held.key, times=held.times),
        operations=[to_engine(operation) for operation in operations],
    )
    events = [event.WhichOneof("event") for event in held.engine.answer(message, TIMEOUT)]
    assert "failed" not in events, events
    return "answered"
