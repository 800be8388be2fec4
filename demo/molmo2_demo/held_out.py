"""Videos that the model was not trained on, with what is asked about them and what is true."""

import random
from dataclasses import dataclass
from pathlib import Path

from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    Embed,
    Operation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_demo.generate import QUESTION
from molmo2_demo.scene import DURATIONS, draw_scene
from molmo2_demo.truth import Truth
from molmo2_demo.video import write_video
from molmo2_demo.video_format import FORMATS

MOST_SHAPES = 3
LONGEST = 6.0
"""Seconds."""


@dataclass(frozen=True)
class HeldOutVideo:
    """A rendered video. ``one`` is true of a shape asked for by its name, ``all`` of "shapes".

    ``copy`` is the same scene in another size and at another frame rate.
    """

    path: Path
    copy: Path
    one: Truth
    all: Truth

    @property
    def operations(self) -> list[Operation]:
        """In the order in which ``Answered`` takes their results."""
        return [
            Pointing(prompt=self.one.prompt),
            Pointing(prompt=self.all.prompt),
            Tracking(prompt=self.one.prompt),
            Tracking(prompt=self.all.prompt),
            TemporalLocalization(),
            Describe(prompt=QUESTION),
            Comprehensive(),
            Embed(),
        ]


def render_held_out(folder: Path, count: int, seed: int) -> list[HeldOutVideo]:
    """One, two and three shapes in turn, in every format, from 2 to 6 seconds long."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_render_one(folder, number, seed) for number in range(count)]


def _render_one(folder: Path, number: int, seed: int) -> HeldOutVideo:
    chance = random.Random(f"held out/{seed}/{number}")
    duration = chance.choice((*DURATIONS, LONGEST))
    scene = draw_scene(chance, duration, shape_count=1 + number % MOST_SHAPES)
    video_format = FORMATS[number % len(FORMATS)]
    path, copy = folder / f"{number:03}.mp4", folder / f"{number:03}-copy.mp4"
    write_video(path, scene, video_format)
    write_video(copy, scene, FORMATS[(number + 1) % len(FORMATS)])
    one, every = (
        Truth.of(path.name, scene, video_format, prompt, [])
        for prompt in (chance.choice(scene.shapes).name, "shapes")
    )
    return HeldOutVideo(path, copy, one, every)
