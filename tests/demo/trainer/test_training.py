"""A training stops, goes on and leaves a checkpoint that loads."""

import dataclasses

import pytest
import torch
from transformers import Molmo2ForConditionalGeneration

from molmo2_trainer.recipe import Recipe
from molmo2_trainer.training import STATE, train


def recipe(eyes: int, mind: int) -> Recipe:
    plain = Recipe()
    return dataclasses.replace(
        plain,
        eyes=dataclasses.replace(plain.eyes, steps=eyes, clips=2),
        mind=dataclasses.replace(plain.mind, steps=mind, clips=1),
    )


@pytest.mark.slow
def test_a_training_continues_and_its_checkpoint_loads(checkpoint, tmp_path):
    told: list[str] = []
    device = torch.device("cpu")
    train(checkpoint, tmp_path, recipe(2, 1), device, 0, told.append)
    assert (tmp_path / STATE).is_file()
    trained = train(checkpoint, tmp_path, recipe(2, 2), device, 0, told.append)
    assert told[0] == "continuing after 1 steps of stage 1"
    before = Molmo2ForConditionalGeneration.from_pretrained(checkpoint, dtype=torch.float32)
    after, report = Molmo2ForConditionalGeneration.from_pretrained(
        trained, dtype=torch.float32, output_loading_info=True
    )
    assert not any(report.values())
    assert not torch.equal(before.lm_head.weight, after.lm_head.weight)
    patches = "model.vision_tower.patch_embedding.weight"
    assert not torch.equal(before.state_dict()[patches], after.state_dict()[patches])
    assert sum(file.stat().st_size for file in trained.iterdir()) < 20_000_000
