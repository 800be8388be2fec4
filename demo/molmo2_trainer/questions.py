"""What is asked about a clip in one training sequence.

Several questions share a clip, so that the model is shown what tells their answers apart: asked for
one shape by its name and then for another, only the name differs.
"""

import random
from dataclasses import dataclass, replace

from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    GeneratedOperation,
    Pointing,
    TemporalLocalization,
    Tracking,
)
from molmo2_contract.prompts import render
from molmo2_demo.scene import COLORS, FORMS
from molmo2_trainer import answers
from molmo2_trainer.clip import Clip
from molmo2_trainer.draft import Draft
from molmo2_trainer.mistakes import with_mistakes

DESCRIPTIONS = (
    "Describe this video in detail.",
    "Describe this video.",
    "What happens in this video?",
    "What is happening in this video?",
    "Provide a short description for what is happening in the video",
)
TRACKED_BY_NAME = 0.6
TRACKED_TOGETHER = 0.6
DESCRIBED = 0.5
LOCALIZED = 0.25
ANALYZED = 0.02
ABSENT = 0.08
"""Shares of the clips that are asked each question; analyses are long and teach little."""


@dataclass(frozen=True)
class Question:
    """A user turn and the answer to it."""

    operation: str
    prompt: str
    answer: Draft
    written: str
    """The answer as the model reads it while it writes: as long, perhaps with mistakes."""
    name: str = ""
    """What pointing and tracking ask for."""


def ask(chance: random.Random, clip: Clip) -> list[Question]:
    """Two shapes by their names, all of them or some by a group's, and the clip as a whole."""
    names = [shape.name for shape in clip.scene.shapes]
    chance.shuffle(names)
    asked = [_point(clip, name) for name in names[:2]]
    asked.append(_point(clip, _group(chance, clip)))
    if chance.random() < TRACKED_BY_NAME:
        asked.append(_track(clip, chance.choice(names)))
    if chance.random() < TRACKED_TOGETHER:
        asked.append(_track(clip, _group(chance, clip)))
    if chance.random() < ABSENT:
        asked.append(chance.choice((_point, _track))(clip, _absent(chance, clip)))
    if chance.random() < DESCRIBED:
        asked.append(_whole(Describe(prompt=chance.choice(DESCRIPTIONS)), answers.describe(clip)))
    if chance.random() < LOCALIZED:
        asked.append(_whole(TemporalLocalization(), answers.localize(clip)))
    if chance.random() < ANALYZED:
        asked.append(_whole(Comprehensive(), answers.analyze(clip)))
    chance.shuffle(asked)
    return [replace(each, written=with_mistakes(chance, each.answer)) for each in asked]


def _point(clip: Clip, name: str) -> Question:
    answer = answers.point(clip, clip.scene.named(name), name)
    return _whole(Pointing(prompt=name), answer, name)


def _track(clip: Clip, name: str) -> Question:
    answer = answers.track(clip, clip.scene.named(name), name)
    return _whole(Tracking(prompt=name), answer, name)


def _whole(operation: GeneratedOperation, answer: Draft, name: str = "") -> Question:
    return Question(operation.operation, render(operation), answer, answer.text, name)


def _group(chance: random.Random, clip: Clip) -> str:
    shape = chance.choice(clip.scene.shapes)
    names = ("shapes", f"{shape.form}s", f"{shape.color} shapes")
    (name,) = chance.choices(names, (0.8, 0.1, 0.1))
    return name


def _absent(chance: random.Random, clip: Clip) -> str:
    here = {shape.name for shape in clip.scene.shapes}
    every = [f"{color} {form}" for color in COLORS for form in FORMS]
    return chance.choice([name for name in every if name not in here])
