"""The trainer's sequences, its frames, and that it learns and continues."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import Molmo2ForConditionalGeneration

from molmo2_demo.render import render_frame
from molmo2_trainer.batch import make_batch
from molmo2_trainer.clip import draw_clip
from molmo2_trainer.drawing import draw
from molmo2_trainer.language import Language
from molmo2_trainer.questions import ask
from molmo2_trainer.recipe import Recipe
from molmo2_trainer.student import Student
from molmo2_trainer.training import STATE, train

CHECKPOINT = Path(__file__).parents[3] / "demo" / "checkpoint"


@pytest.fixture(scope="module")
def language():
    return Language.read(CHECKPOINT)


@pytest.fixture(scope="module")
def student(language):
    model = Molmo2ForConditionalGeneration.from_pretrained(CHECKPOINT, dtype=torch.float32)
    return Student(model, language.layout.frame_format).eval()


@pytest.fixture(scope="module")
def clip():
    return draw_clip(random.Random(3), 2.0, 2)


def test_frames_are_those_of_the_videos_up_to_compression(language, clip):
    batch = make_batch(language, [clip], [ask(random.Random(0), clip)])
    drawn = draw(batch, 168)
    width, height = clip.video_format.width, clip.video_format.height
    for place, shown in enumerate(clip.shown):
        frame = torch.from_numpy(render_frame(clip.scene, shown, width, height).astype(np.float32))
        expected = F.interpolate(frame.permute(2, 0, 1)[None], (168, 168), mode="bilinear")[0]
        off = (drawn[place].permute(2, 0, 1).float() - expected).abs()
        assert off.mean() < 4
        assert (off > 60).float().mean() < 0.02  # colour bleeds at the outlines


@torch.no_grad()
def test_questions_that_share_a_clip_do_not_see_each_other(language, student, clip):
    questions = ask(random.Random(1), clip)
    together = make_batch(language, [clip], [questions])
    frames = draw(together, 168, torch.Generator().manual_seed(0))
    features = student._see(frames)
    hidden = student._read(together, features)[0]
    for segment, question in enumerate(questions, start=1):
        alone = make_batch(language, [clip], [[question]])
        expected = student._read(alone, features)[0][alone.segments[0] == 1]
        torch.testing.assert_close(
            hidden[together.segments[0] == segment], expected, atol=1e-4, rtol=1e-4
        )


@torch.no_grad()
def test_the_shipped_model_knows_most_of_what_it_is_taught(language, student, clip):
    batch = make_batch(language, [clip], [ask(random.Random(2), clip)])
    losses = student(batch, draw(batch, 168))
    assert losses.right_tokens > 0.6


def test_the_rate_grows_holds_and_falls_and_shapes_come_later():
    recipe = Recipe(1.0, learning_rate=1.0)
    rates = [recipe.rate(share) for share in (0.0, 0.005, 0.01, 0.6, 0.8, 1.0)]
    assert rates == pytest.approx([0.0, 0.5, 1.0, 1.0, 0.51, 0.02])
    assert recipe.shares(0.0)[2] < recipe.shares(0.5)[2]


@pytest.mark.slow
def test_a_training_continues_and_its_checkpoint_loads(tmp_path):
    told: list[str] = []
    device = torch.device("cpu")
    train(CHECKPOINT, tmp_path, Recipe(0.02, clips=1), device, 0, told.append)
    assert (tmp_path / STATE).is_file()
    trained = train(CHECKPOINT, tmp_path, Recipe(0.2, clips=1), device, 0, told.append)
    assert any(line.startswith("continuing after") for line in told)
    before = Molmo2ForConditionalGeneration.from_pretrained(CHECKPOINT, dtype=torch.float32)
    after, report = Molmo2ForConditionalGeneration.from_pretrained(
        trained, dtype=torch.float32, output_loading_info=True
    )
    assert not any(report.values())
    assert not torch.equal(before.lm_head.weight, after.lm_head.weight)
    assert sum(file.stat().st_size for file in trained.iterdir()) < 20_000_000
