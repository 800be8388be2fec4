"""A real engine, asked about a video that no other module's tests have asked it about."""

from collections.abc import Callable
from typing import Any

import pytest

from molmo2_contract.request import Request
from molmo2_contract.response import ModelInfo
from molmo2_contract.video import Video
from molmo2_demo.generate import DemoVideo, generate
from molmo2_engine.client import EngineConnection
from molmo2_handler.answering import Answerer
from molmo2_handler.video import VideoLimits


@pytest.fixture(scope="session")
def frame_size() -> int:
    """Pixels of a frame's side, as the demonstration model wants it."""
    return 168


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> DemoVideo:
    (rendered,) = generate(tmp_path_factory.mktemp("unseen"), 1, seed=0)
    return rendered


@pytest.fixture(scope="module")
def limits(unseen: DemoVideo) -> VideoLimits:
    return VideoLimits(allowed_roots=(unseen.path.parent,))


@pytest.fixture(scope="session")
def model() -> ModelInfo:
    return ModelInfo(name="molmo2-demo", version="1.0", checkpoint="weights")


@pytest.fixture(scope="module")
def make_answerer(
    limits: VideoLimits, frame_size: int, model: ModelInfo
) -> Callable[..., Answerer]:
    """One that asks an engine, or what stands before it."""
    return lambda engine, *frames: Answerer(engine, limits, frame_size, model, *frames)


@pytest.fixture(scope="module")
def answerer(engine: EngineConnection, make_answerer: Callable[..., Answerer]) -> Answerer:
    return make_answerer(engine)


@pytest.fixture(scope="module")
def asked(unseen: DemoVideo) -> Request:
    """All six operations about the rendered video."""
    return Request(
        video=Video(uri=unseen.path.as_uri()), operations=unseen.truth.operations, timeout=60
    )


@pytest.fixture(scope="module")
def responses(answerer: Answerer, asked: Request) -> list[Any]:
    """The answers to the same request, asked twice."""
    return [answerer.respond(asked, None, request_id) for request_id in ("first", "second")]
