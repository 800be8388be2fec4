"""With ``reference: true`` a handler answers what the engine answers, by the released code.

It needs the environment that ``make parity`` makes, and names in ``REFERENCE_PYTHON``, and the
checkpoints with their code that it writes.
"""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parity_cases import Picture
from PIL import Image
from ts.context import Context

from molmo2_contract.events import EVENT, Done, OperationDone
from molmo2_contract.images import ImagesResponse
from molmo2_contract.response import Response, ServerInfo
from molmo2_contract.results import EmbedResult
from molmo2_engine.client.engine_lock import EngineLock
from molmo2_handler.service import Molmo2Handler

CHECKPOINTS = Path(__file__).parents[2] / "build" / "parity" / "checkpoints"
HTTP = {"explain": "False"}
TOKENS = 40

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Answers = Callable[[dict[str, Any]], list[bytes]]


def operations(*, constrained: bool) -> list[dict[str, object]]:
    """Everything that writes, and embeddings."""
    schema = {"type": "object", "properties": {"colour": {"type": "string", "maxLength": 9}}}
    formed = [
        {"operation": "pointing", "prompt": "orange circle"},
        {"operation": "tracking", "prompt": "shapes"},
        {"operation": "temporal_localization"},
        {"operation": "comprehensive"},
    ]
    free = [
        {"operation": "describe", "prompt": "Où est le café, à 12.5 s?"},
        {"operation": "describe", "prompt": "Which colour?", "json_schema": schema},
    ]
    embeddings = [
        {"operation": "embed", "pooling": pooling, "per_frame": pooling == "mean"}
        for pooling in ("mean", "max", "cls")
    ]
    written = [{**each, "constrained": constrained} for each in formed] + free
    return [{**each, "max_new_tokens": TOKENS} for each in written] + embeddings


@pytest.fixture(scope="module", params=["qwen3", "olmo3", "trained"])
def checkpoint(request: pytest.FixtureRequest) -> Path:
    return CHECKPOINTS / request.param


@pytest.fixture(scope="module")
def handlers(
    checkpoint: Path, tmp_path_factory: pytest.TempPathFactory, video: Any
) -> Iterator[tuple[Molmo2Handler, Molmo2Handler]]:
    """One that asks the engine, and one that asks the reference."""
    run = tmp_path_factory.mktemp("run")
    ours = {"run_directory": str(run), "video": {"allowed_roots": [str(video.path.parent)]}}
    python = os.environ["REFERENCE_PYTHON"]
    yield (
        initialized(checkpoint, ours),
        initialized(checkpoint, {**ours, "reference": True, "reference_python": python}),
    )
    for lock in EngineLock.all_in(run):
        if holder := lock.holder():
            os.kill(holder.process, signal.SIGTERM)


def initialized(checkpoint: Path, settings: dict[str, Any]) -> Molmo2Handler:
    engine = {
        "checkpoint": str(checkpoint),
        "dtype": "float32",
        "threads": 2,  # with one, ATen resizes images with another rounding
        "max_context_tokens": 4096,
        "exit_with": os.getpid(),
    }
    context = Context(
        model_name="molmo2",
        model_dir="/",
        manifest={"model": {"modelVersion": "1.0"}},
        batch_size=1,
        gpu=None,
        mms_version="0.12.0",
        model_yaml_config={"handler": settings, "engine": engine},
    )
    handler = Molmo2Handler()
    handler.initialize(context)
    return handler


@pytest.fixture
def ours(handlers: tuple[Molmo2Handler, Molmo2Handler], front_end: Any) -> Answers:
    return lambda document: answers(front_end, handlers[0], document)


@pytest.fixture
def theirs(handlers: tuple[Molmo2Handler, Molmo2Handler], front_end: Any) -> Answers:
    return lambda document: answers(front_end, handlers[1], document)


def answers(front_end: Any, handler: Molmo2Handler, document: dict[str, Any]) -> list[bytes]:
    parts = [("body", json.dumps(document).encode(), "application/json")]
    return [reply.body for reply in front_end.ask(handler.handle, parts, HTTP)]


def same(ours: Response | ImagesResponse, theirs: Response | ImagesResponse) -> None:
    """Everything but what a prefix that is held saves, and seconds; vectors nearly."""
    left_out = {"timing", "usage", "embedding", "frames"}
    for mine, yours in zip(ours.results, theirs.results, strict=True):
        assert mine.status != "error"
        assert mine.model_dump(exclude=left_out) == yours.model_dump(exclude=left_out)
        if mine.operation == "embed":
            np.testing.assert_allclose(vectors(mine), vectors(yours), atol=1e-5)
        else:
            assert mine.usage.prompt_tokens == yours.usage.prompt_tokens
            assert mine.usage.generated_tokens == yours.usage.generated_tokens > 0


def vectors(result: EmbedResult) -> list[list[float]]:
    return [result.embedding, *(frame.embedding for frame in result.frames or [])]


@pytest.mark.parametrize("constrained", [True, False])
def test_every_operation_on_a_video_has_the_same_answer(
    ours: Answers, theirs: Answers, video: Any, constrained: bool
) -> None:
    document = {
        "video": {"uri": video.path.as_uri()},
        "operations": operations(constrained=constrained),
        "timeout": 300,
    }
    (mine,), (yours,) = ours(document), theirs(document)
    mine, yours = Response.model_validate_json(mine), Response.model_validate_json(yours)
    same(mine, yours)
    assert mine.video == yours.video
    assert len({result.text for result in mine.results if result.operation != "embed"}) > 3


def test_several_images_have_the_same_answers(ours: Answers, theirs: Answers, video: Any) -> None:
    pictures = [Picture(120, 160, 5), Picture(90, 260, 1)]
    paths = [video.path.with_name(f"{picture.seed}.png") for picture in pictures]
    for picture, path in zip(pictures, paths, strict=True):
        Image.fromarray(picture.pixels()).save(path)
    asked = [
        {"operation": "pointing", "prompt": "cats", "max_new_tokens": TOKENS},
        {"operation": "describe", "prompt": "What changed?", "max_new_tokens": TOKENS},
        {"operation": "embed"},
    ]
    document = {"images": [path.as_uri() for path in paths], "operations": asked, "timeout": 300}
    (mine,), (yours,) = ours(document), theirs(document)
    same(ImagesResponse.model_validate_json(mine), ImagesResponse.model_validate_json(yours))


def test_a_stream_tells_how_far_it_is(theirs: Answers, video: Any) -> None:
    asked = {"operation": "describe", "prompt": "Describe this video.", "max_new_tokens": TOKENS}
    document = {"video": {"uri": video.path.as_uri()}, "operations": [asked], "stream": True}
    *told, last, done = [
        EVENT.validate_json(body.removeprefix(b"data: ")) for body in theirs(document)
    ]
    assert isinstance(last, OperationDone)
    assert isinstance(done, Done)
    written = last.result.usage.generated_tokens
    assert [event.generated_tokens for event in told] == list(range(16, written + 1, 16))


def test_what_is_too_long_is_refused_alone(theirs: Answers, video: Any) -> None:
    long = {"operation": "describe", "prompt": "日" * 4000}
    document = {"video": {"uri": video.path.as_uri()}, "operations": [long, {"operation": "embed"}]}
    (body,) = theirs(document)
    response = Response.model_validate_json(body)
    assert [result.status for result in response.results] == ["error", "ok"]
    assert "max_context_tokens" in response.results[0].error.message


def test_a_schema_that_cannot_be_followed_is_that_operations_error(
    theirs: Answers, video: Any
) -> None:
    wrong = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
    asked = {"operation": "describe", "prompt": "What?", "json_schema": wrong}
    (body,) = theirs({"video": {"uri": video.path.as_uri()}, "operations": [asked]})
    (result,) = Response.model_validate_json(body).results
    assert result.error.kind == "invalid_request"
    assert "json_schema" in result.error.message


def test_it_says_what_it_serves(theirs: Answers, checkpoint: Path) -> None:
    (body,) = theirs({"info": True})
    info = ServerInfo.model_validate_json(body)
    assert info.model.checkpoint == str(checkpoint)
    assert info.limits.max_concurrent_sequences == 1
