"""Renders videos with their truth: ``python -m molmo2_demo.generate FOLDER --count 8 --seed 0``."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    Embed,
    Operation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_demo.scene import DURATIONS, Scene, draw_scene
from molmo2_demo.truth import Truth
from molmo2_demo.video import write_video
from molmo2_demo.video_format import FORMATS

QUESTION = "Describe this video in detail."


@dataclass(frozen=True)
class DemoVideo:
    """A rendered video, and the file with its truth beside it."""

    path: Path
    truth_path: Path
    truth: Truth


def generate(folder: Path, count: int, seed: int) -> list[DemoVideo]:
    """Writes ``00.mp4``, ``00.json`` and so on into ``folder``, which is made where missing.

    Formats take turns, and so do videos of one shape, asked for by its name, and of two, asked
    for as "shapes". The same seed gives the same bytes; a greater count adds videos to them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_generate_one(folder, number, seed) for number in range(count)]


def operations(prompt: str) -> list[Operation]:
    """All six, pointing to and tracking what ``prompt`` names."""
    return [
        Pointing(prompt=prompt),
        Tracking(prompt=prompt),
        Describe(prompt=QUESTION),
        TemporalLocalization(),
        Comprehensive(),
        Embed(),
    ]


def _generate_one(folder: Path, number: int, seed: int) -> DemoVideo:
    chance = random.Random(f"{seed}/{number}")
    scene = draw_scene(chance, duration=chance.choice(DURATIONS), shape_count=1 + number % 2)
    video_format = FORMATS[number % len(FORMATS)]
    prompt = _prompt(scene)
    path = folder / f"{number:02}.mp4"
    write_video(path, scene, video_format)
    truth = Truth.of(path.name, scene, video_format, prompt, operations(prompt))
    truth_path = path.with_suffix(".json")
    truth.write(truth_path)
    return DemoVideo(path, truth_path, truth)


def _prompt(scene: Scene) -> str:
    return scene.shapes[0].name if len(scene.shapes) == 1 else "shapes"


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write; made where missing.")],
    count: Annotated[int, typer.Option(min=1, help="How many videos.")] = 8,
    seed: Annotated[int, typer.Option(help="Another seed, other videos.")] = 0,
) -> None:
    """Render videos of moving shapes, each with its truth as JSON beside it."""
    for video in generate(folder, count, seed):
        print(video.path)


if __name__ == "__main__":
    typer.run(main)
