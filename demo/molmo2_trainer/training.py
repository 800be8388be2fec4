"""The training loop: resumable, on a GPU or slowly without one."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import Molmo2ForConditionalGeneration

from molmo2_trainer.batch import OPERATIONS, Batch, Batches
from molmo2_trainer.drawing import draw
from molmo2_trainer.language import Language
from molmo2_trainer.recipe import Recipe
from molmo2_trainer.student import Losses, Student

STATE = "state.pt"
CHECKPOINT = "checkpoint"
SAVED_EVERY = 120.0
"""Seconds; what a kill costs."""

TOLD_EVERY = 20.0
"""Seconds between two lines about how it goes."""

Tell = Callable[[str], None]


@dataclass
class Progress:
    """How far a training is; ``seconds`` count over all its runs."""

    seconds: float = 0.0
    steps: int = 0


def train(
    start: Path, folder: Path, recipe: Recipe, device: torch.device, workers: int, tell: Tell
) -> Path:
    """Trains from the weights of ``start`` until the recipe's minutes have passed.

    What was trained before in ``folder`` is continued. Returns the folder of the trained
    checkpoint, which is complete: a server loads it as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    language = Language.read(start)
    student = _student(start, language, device)
    optimizer = _optimizer(student, recipe, device)
    progress = _resume(folder, student, optimizer, tell)
    budget = recipe.minutes * 60
    began = time.monotonic() - progress.seconds
    saved = told = time.monotonic()
    batches = _Feed(language, recipe, workers)
    while (passed := (time.monotonic() - began) / budget) < 1:
        losses = _step(student, optimizer, recipe, passed, batches.next(passed).to(device))
        progress.steps += 1
        progress.seconds = time.monotonic() - began
        if not torch.isfinite(losses.language):
            raise FloatingPointError(f"the loss is {losses.language} at step {progress.steps}")
        if time.monotonic() - told > TOLD_EVERY:
            told = time.monotonic()
            tell(_line(progress, recipe.rate(passed), losses))
        if time.monotonic() - saved > SAVED_EVERY:
            _save(folder, student, optimizer, progress)
            saved = time.monotonic()
    _save(folder, student, optimizer, progress)
    tell(f"{progress.steps} steps in {progress.seconds:.0f} s")
    return _write_checkpoint(start, folder, student)


class _Feed:
    """Batches drawn by other processes; drawn anew when the shares of shapes change."""

    def __init__(self, language: Language, recipe: Recipe, workers: int) -> None:
        self._language, self._recipe, self._workers = language, recipe, workers
        self._shares: tuple[float, ...] = ()
        self._batches: Iterator[Batch] = iter(())

    def next(self, passed: float) -> Batch:
        shares = self._recipe.shares(passed)
        if shares != self._shares:
            self._shares = shares
            seed = f"{time.time()}"  # a continued training sees other clips
            source = Batches(self._language, self._recipe.clips, seed, shares)
            loader = DataLoader(
                source,
                batch_size=None,
                num_workers=self._workers,
                prefetch_factor=2 if self._workers else None,
            )
            self._batches = iter(loader)
        return next(self._batches)


def _step(
    student: Student,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    passed: float,
    batch: Batch,
) -> Losses:
    for group in optimizer.param_groups:
        group["lr"] = recipe.rate(passed)
    device = batch.ids.device.type
    with torch.no_grad():
        frames = draw(batch, student.frame_size)
    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        losses = student(batch, frames)
    (losses.language + recipe.sight * losses.sight).backward()
    torch.nn.utils.clip_grad_norm_(student.parameters(), recipe.gradient_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return losses


def _student(start: Path, language: Language, device: torch.device) -> Student:
    model = Molmo2ForConditionalGeneration.from_pretrained(
        start, dtype=torch.float32, attn_implementation="sdpa", use_safetensors=True
    )
    return Student(model, language.layout.frame_format).to(device).train()


def _optimizer(student: Student, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:
    weights = list(student.parameters())
    groups = [
        {"params": [w for w in weights if w.ndim >= 2], "weight_decay": recipe.weight_decay},
        {"params": [w for w in weights if w.ndim < 2], "weight_decay": 0.0},
    ]
    fused = device.type == "cuda"
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98), fused=fused)


def _resume(
    folder: Path, student: Student, optimizer: torch.optim.Optimizer, tell: Tell
) -> Progress:
    path = folder / STATE
    if not path.exists():
        return Progress()
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    student.load_state_dict(state["student"])
    optimizer.load_state_dict(state["optimizer"])
    progress = Progress(**state["progress"])
    tell(f"continuing after {progress.steps} steps, {progress.seconds:.0f} s")
    return progress


def _save(
    folder: Path, student: Student, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    state = {
        "student": student.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": vars(progress),
    }
    part = folder / f"{STATE}.part"
    torch.save(state, part)
    part.replace(folder / STATE)


def _write_checkpoint(start: Path, folder: Path, student: Student) -> Path:
    """The files of ``start`` with other weights, in bfloat16."""
    target = folder / CHECKPOINT
    shutil.copytree(start, target, dirs_exist_ok=True)
    for path in target.glob("*.safetensors"):
        path.unlink()
    student.model.to(torch.bfloat16).save_pretrained(target)
    config = json.loads((start / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | {"dtype": "bfloat16"}, indent=2) + "\n")
    return target


def _line(progress: Progress, rate: float, losses: Losses) -> str:
    each = zip(OPERATIONS, losses.by_operation.tolist(), strict=True)
    told = "  ".join(f"{name} {loss:.3f}" for name, loss in each if loss == loss)
    return (
        f"{progress.seconds:6.0f} s  step {progress.steps:6}  rate {rate:.1e}  "
        f"loss {losses.language:.4f}  sight {losses.sight:.3f}  "
        f"right {losses.right_tokens:.3f}  {told}"
    )
