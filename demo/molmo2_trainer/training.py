"""The training loop: resumable, on a GPU or slowly without one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from molmo2_trainer.checkpoint import random_model, read_model, write_checkpoint
from molmo2_trainer.language import Language
from molmo2_trainer.lessons import Answering, Lesson, Seeing
from molmo2_trainer.recipe import Recipe
from molmo2_trainer.student import Student

STATE = "state.pt"
CHECKPOINT = "checkpoint"
SAVED_EVERY = 60.0
"""Seconds; what a kill costs."""

TOLD_EVERY = 20.0
"""Seconds between two lines about how it goes."""

Tell = Callable[[str], None]


@dataclass
class Progress:
    """How far a training is, over all its runs."""

    stage: int = 0
    step: int = 0
    """Of this stage."""
    before: int = 0
    """Steps of the stage before this one."""


def train(
    start: Path,
    folder: Path,
    recipe: Recipe,
    device: torch.device,
    workers: int,
    tell: Tell,
    *,
    from_nothing: bool = False,
) -> Path:
    """Trains from the weights of ``start`` until all of the recipe's steps are done.

    What was trained before in ``folder`` is continued, to other numbers of steps if the recipe
    has changed. Returns the folder of the trained checkpoint, which is complete but for a model
    card: a server loads it as it is.

    Args:
        from_nothing: begin with random weights in the sizes of ``start``, which needs none then.

    Raises:
        ValueError: if the recipe has more steps for the eyes than they have learnt in ``folder``,
            and the stage after has begun there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    language = Language.read(start)
    model = random_model(start) if from_nothing else read_model(start)
    student = Student(model, language.layout.frame_format).to(device).train()
    training = _Training(folder, student, recipe, tell)
    seed = f"{time.time()}"  # a continued training sees other clips
    training.run(0, Seeing(student, recipe, seed, device))
    training.run(1, Answering(student, recipe, seed, device, language, workers))
    return write_checkpoint(start, folder / CHECKPOINT, student.model)


class _Training:
    """Runs lessons one after the other, each with an optimizer of its own."""

    def __init__(self, folder: Path, student: Student, recipe: Recipe, tell: Tell) -> None:
        self._path, self._student, self._recipe = folder / STATE, student, recipe
        self._tell = tell
        self._progress = Progress()
        self._state: dict[str, Any] = {}
        """Of the optimizer of the stage that was cut off."""
        if self._path.exists():
            state = torch.load(self._path, map_location="cpu", weights_only=True)
            student.load_state_dict(state["student"])
            self._progress, self._state = Progress(**state["progress"]), state["optimizer"]
            tell(f"continuing after {self._progress.step} steps of stage {self._progress.stage}")

    def run(self, stage: int, lesson: Lesson) -> None:
        """What is left of a lesson; nothing where a later one has begun."""
        progress = self._progress
        if stage < progress.stage:
            self._refuse_more(lesson.stage.steps)
            return
        if stage > progress.stage:
            progress.stage, progress.step, progress.before = stage, 0, progress.step
            self._state = {}
        optimizer = _optimizer(lesson, self._recipe)
        scales = [group["scale"] for group in optimizer.param_groups]
        if self._state:
            optimizer.load_state_dict(self._state)
        for group, scale in zip(optimizer.param_groups, scales, strict=True):
            group["scale"] = scale  # the recipe's, whatever it was before
        saved = told = time.monotonic()
        while progress.step < lesson.stage.steps:
            line = self._step(lesson, optimizer)
            progress.step += 1
            if time.monotonic() - told > TOLD_EVERY:
                told = time.monotonic()
                self._tell(f"step {progress.step}  {line}")
            if time.monotonic() - saved > SAVED_EVERY:
                self._save(optimizer)
                saved = time.monotonic()
        self._save(optimizer)

    def _refuse_more(self, steps: int) -> None:
        """Of a stage that is over: the next one has learnt from what it left."""
        if steps > self._progress.before:
            folder = self._path.parent
            raise ValueError(
                f"{folder}: the eyes learnt for {self._progress.before} steps and rest now; to "
                f"have them learn for {steps}, train in another folder, from {folder / CHECKPOINT} "
                "if you like (--start)"
            )

    def _step(self, lesson: Lesson, optimizer: torch.optim.Optimizer) -> str:
        for group in optimizer.param_groups:
            group["lr"] = lesson.stage.rate_at(self._progress.step) * group["scale"]
        loss, line = lesson.step()
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {self._progress.step}")
        loss.backward()
        torch.nn.utils.clip_grad_norm_(lesson.weights, self._recipe.gradient_norm)
        optimizer.step()
        self._student.zero_grad(set_to_none=True)
        return line

    def _save(self, optimizer: torch.optim.Optimizer) -> None:
        state = {
            "student": self._student.state_dict(),
            "optimizer": optimizer.state_dict(),
            "progress": vars(self._progress),
        }
        part = self._path.with_suffix(".part")
        torch.save(state, part)
        part.replace(self._path)


def _optimizer(lesson: Lesson, recipe: Recipe) -> torch.optim.Optimizer:
    matrices = [weight for weight in lesson.weights if weight.ndim >= 2]
    vectors = [weight for weight in lesson.weights if weight.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay, "scale": 1.0},
        {"params": vectors, "weight_decay": 0.0, "scale": recipe.vectors},
        {"params": lesson.probes, "weight_decay": 0.0, "scale": lesson.stage.probes},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
