"""Checkpoints, videos and engines that the tests of the engine start from."""

from collections.abc import Callable
from pathlib import Path

import pytest
from native_checkpoint import write_checkpoint
from reference import Reference, TestVideo, make_video
from stepped_engine import NEW_TOKENS, PROMPTS, SteppedEngine

from molmo2_engine.generation.grammar import GrammarCompiler, read_vocabulary
from molmo2_engine.model import checkpoint as checkpoints
from molmo2_engine.model.checkpoint import Checkpoint
from molmo2_engine.prompt.formats import FrameFormat, ImageFormat
from molmo2_engine.prompt.layout import Layout


@pytest.fixture(scope="session")
def qwen3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("qwen3"), "qwen3")


@pytest.fixture(scope="session")
def olmo3_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("olmo3"), "olmo3")


@pytest.fixture(scope="session", params=["qwen3", "olmo3"])
def checkpoint(request: pytest.FixtureRequest) -> Checkpoint:
    folder = request.getfixturevalue(f"{request.param}_folder")
    return checkpoints.load(str(folder), None, "cpu", "float32")


@pytest.fixture(scope="session")
def layout(checkpoint: Checkpoint) -> Layout:
    folder = checkpoint.folder
    return Layout(checkpoint.tokenizer, FrameFormat.read(folder), ImageFormat.read(folder))


@pytest.fixture(scope="session")
def grammars(checkpoint: Checkpoint) -> GrammarCompiler:
    rows = checkpoint.model.lm_head.out_features
    vocabulary = read_vocabulary(checkpoint.tokenizer, rows, checkpoint.end_tokens)
    return GrammarCompiler(vocabulary, max_grammars=8, max_seconds=30)


@pytest.fixture(scope="session")
def video() -> Callable[[int, int], TestVideo]:
    return make_video


@pytest.fixture(scope="session")
def reference(checkpoint: Checkpoint) -> Reference:
    return Reference(checkpoint)


@pytest.fixture
def bench(checkpoint, layout):
    return SteppedEngine(checkpoint, layout)


@pytest.fixture(scope="session")
def expected(reference, video):
    """transformers' greedy tokens for four videos and every prompt."""
    clips = [video(seed, count) for seed, count in enumerate((9, 3, 14, 1))]
    return [
        (clip, {prompt: reference.greedy(clip, prompt, NEW_TOKENS) for prompt in PROMPTS})
        for clip in clips
    ]
