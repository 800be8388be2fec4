"""The command line of the trainer."""

import dataclasses
import os
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer

from molmo2_trainer.recipe import Recipe
from molmo2_trainer.training import train


def main(
    folder: Annotated[Path, typer.Argument(help="Keeps the state and, at the end, the model.")],
    start: Annotated[Path, typer.Option(help="Checkpoint to start from.")] = (
        Path("demo/checkpoint")
    ),
    from_nothing: Annotated[
        bool, typer.Option("--from-nothing", help="Begin with random weights of its sizes.")
    ] = False,
    eye_steps: Annotated[int, typer.Option(min=0)] = Recipe.eyes.steps,
    steps: Annotated[int, typer.Option(min=0)] = Recipe.mind.steps,
    clips: Annotated[int, typer.Option(min=1, help="Clips in a step.")] = Recipe.mind.clips,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = Recipe.mind.rate,
    device: Annotated[str, typer.Option(help="cuda, cpu; auto takes CUDA if there.")] = "auto",
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that draw clips.", show_default="cores - 2")
    ] = max(0, (os.cpu_count() or 1) - 2),
) -> None:
    """Trains the demonstration model on rendered clips; run again, it continues."""
    chosen = device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = True
    plain = Recipe()
    recipe = Recipe(
        eyes=dataclasses.replace(plain.eyes, steps=eye_steps),
        mind=dataclasses.replace(plain.mind, steps=steps, clips=clips, rate=rate),
    )
    try:
        checkpoint = train(
            *(start, folder, recipe, torch.device(chosen), workers, typer.echo),
            from_nothing=from_nothing,
        )
    except ValueError as error:
        sys.exit(str(error))
    typer.echo(f"{checkpoint} is there; score it with: make demo-score CHECKPOINT={checkpoint}")


if __name__ == "__main__":
    typer.run(main)
