"""The shipped checkpoint, as the trainer reads it, and a clip of two shapes."""

import random
from pathlib import Path

import pytest
import torch
from transformers import Molmo2ForConditionalGeneration

from molmo2_trainer.batch import make_batch
from molmo2_trainer.clip import draw_clip
from molmo2_trainer.drawing import draw
from molmo2_trainer.language import Language
from molmo2_trainer.questions import ask
from molmo2_trainer.student import Student

CHECKPOINT = Path(__file__).parents[3] / "demo" / "checkpoint"


@pytest.fixture(scope="session")
def checkpoint():
    return CHECKPOINT


@pytest.fixture(scope="session")
def language():
    return Language.read(CHECKPOINT)


@pytest.fixture(scope="session")
def student(language):
    model = Molmo2ForConditionalGeneration.from_pretrained(
        CHECKPOINT, dtype=torch.float32, attn_implementation="sdpa"
    )
    return Student(model, language.layout.frame_format).eval()


@pytest.fixture(scope="session")
def clip():
    return draw_clip(random.Random(3), 2.0, 2)


@pytest.fixture(scope="session")
def batch(language, clip):
    return make_batch(language, [clip], [ask(random.Random(1), clip)])


@pytest.fixture(scope="session")
def features(student, batch):
    with torch.no_grad():
        return student.see(draw(batch.scenes, 168, torch.Generator().manual_seed(0)))
