"""A training stops, goes on and leaves a checkpoint that loads."""

import dataclasses
import shutil

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


def run(start, folder, steps, told, **how):
    return train(start, folder, recipe(*steps), torch.device("cpu"), 0, told.append, **how)


def load(folder):
    """The model; it has every weight that transformers expects, and no other."""
    model, report = Molmo2ForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    assert not any(report.values())
    return model


def test_a_training_continues_and_its_checkpoint_loads(checkpoint, tmp_path):
    told: list[str] = []
    run(checkpoint, tmp_path, (2, 1), told)
    assert (tmp_path / STATE).is_file()
    trained = run(checkpoint, tmp_path, (2, 2), told)
    assert told[0] == "continuing after 1 steps of stage 1"
    before, after = load(checkpoint), load(trained)
    assert not torch.equal(before.lm_head.weight, after.lm_head.weight)
    patches = "model.vision_tower.patch_embedding.weight"
    assert not torch.equal(before.state_dict()[patches], after.state_dict()[patches])
    assert sum(file.stat().st_size for file in trained.iterdir()) < 20_000_000


def test_other_weights_have_no_card_with_the_figures_of_the_first(checkpoint, tmp_path):
    trained = run(checkpoint, tmp_path, (0, 0), [])
    expected = {file.name for file in checkpoint.iterdir()} - {"MODEL_CARD.md"}
    assert {file.name for file in trained.iterdir()} == expected


def test_eyes_that_rest_are_not_silently_left_as_they_are(checkpoint, tmp_path):
    run(checkpoint, tmp_path, (1, 1), [])
    with pytest.raises(ValueError, match="the eyes learnt for 1 steps and rest now"):
        run(checkpoint, tmp_path, (3, 1), [])
    assert run(checkpoint, tmp_path, (1, 2), []).is_dir()


def test_a_training_begins_from_nothing_but_the_sizes(checkpoint, tmp_path):
    sizes = tmp_path / "sizes"
    shutil.copytree(checkpoint, sizes, ignore=shutil.ignore_patterns("*.safetensors"))
    trained = load(run(sizes, tmp_path / "run", (1, 1), [], from_nothing=True))
    shipped = load(checkpoint).state_dict()
    for name, weight in trained.state_dict().items():
        assert weight.shape == shipped[name].shape
    head = trained.lm_head.weight
    assert head.std() < 0.1
    assert (head - shipped["lm_head.weight"]).abs().max() > 0.1
