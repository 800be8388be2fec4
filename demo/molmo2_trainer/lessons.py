"""What is learnt in the two stages: their weights, their data, and the loss of a step."""

import random
from collections.abc import Iterator
from typing import Protocol

import torch

from molmo2_trainer.batch import OPERATIONS, Batches
from molmo2_trainer.clip import draw_clip
from molmo2_trainer.drawing import draw
from molmo2_trainer.guides import GUIDES
from molmo2_trainer.language import Language
from molmo2_trainer.probes import KEPT
from molmo2_trainer.recipe import Recipe, Stage
from molmo2_trainer.scenes import MOST_SHAPES, Scenes
from molmo2_trainer.student import Student


class Lesson(Protocol):
    """One stage of a training."""

    stage: Stage
    weights: list[torch.nn.Parameter]
    probes: list[torch.nn.Parameter]

    def step(self) -> tuple[torch.Tensor, str]:
        """The loss of a step on new clips, and a line about it."""


class Seeing:
    """Single frames: which shape has its centre in each of their parts, and where.

    All with as many shapes as there can be: they show more for the same work.
    """

    def __init__(self, student: Student, recipe: Recipe, seed: str, device: torch.device) -> None:
        self.stage = recipe.eyes
        self.weights, self.probes = student.eyes()
        self._student, self._device = student, device
        self._chance = random.Random(seed)

    def step(self) -> tuple[torch.Tensor, str]:
        chance = self._chance
        clips = [draw_clip(chance, 2.0, MOST_SHAPES) for _ in range(self.stage.clips)]
        taken = [[chance.randrange(len(clip.times))] for clip in clips]
        scenes = Scenes.of(clips, taken).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, self._device.type == "cuda"):
            features = self._student.see(draw(scenes, self._student.frame_size))
        kinds, places = self._student.sight(features, scenes)
        return kinds + places, f"looks {kinds:.4f}  places {places:.4f}"


class Answering:
    """Whole clips and questions about them; the eyes rest."""

    def __init__(
        self,
        student: Student,
        recipe: Recipe,
        seed: str,
        device: torch.device,
        language: Language,
        workers: int,
    ) -> None:
        self.stage = recipe.mind
        self.weights, self.probes = student.mind()
        self._student, self._recipe, self._device = student, recipe, device
        source = Batches(language, recipe.mind.clips, seed, recipe.shares)
        self._batches: Iterator = iter(
            torch.utils.data.DataLoader(
                source,
                batch_size=None,
                num_workers=workers,
                prefetch_factor=2 if workers else None,
            )
        )

    def step(self) -> tuple[torch.Tensor, str]:
        batch = next(self._batches).to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, self._device.type == "cuda"):
            with torch.no_grad():
                features = self._student.see(draw(batch.scenes, self._student.frame_size))
            losses = self._student(batch, features)
        guides = sum(GUIDES[name].weight * loss for name, loss in losses.guides.items())
        probes = sum(
            (self._recipe.kept if name in KEPT else self._recipe.probes) * loss
            for name, loss in losses.probes.items()
        )
        loss = losses.language + self._recipe.guides * guides + probes
        told = {"language": losses.language, **losses.guides}
        told |= {f"?{name}": value for name, value in losses.probes.items()}
        each = zip(OPERATIONS, losses.by_operation, strict=True)
        told |= {name: value for name, value in each if value == value}
        return loss, "  ".join(f"{name} {value:.3f}" for name, value in told.items())
