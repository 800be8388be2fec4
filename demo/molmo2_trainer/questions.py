"""What is asked about a clip in one training sequence.

Several questions share a clip, so that the model is shown what tells their answers apart: asked for
one shape by its name and then for another, only the name differs.
"""

import random
from dataclasses import dataclass

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

DESCRIPTIONS = (
    "Describe this video in detail.",
    "Describe this video.",
    "What happens in this video?",
    "What is happening in this video?",
    "Provide a short description for what is happening in the video",
)
LOCALIZED = 0.35
ANALYZED = 0.15
ABSENT = 0.15
"""Shares of the clips that are asked to localize, to analyze, and for a shape that is not there."""


@dataclass(frozen=True)
class Question:
    """A user turn and the answer to it."""

    operation: str
    prompt: str
    answer: str


def ask(chance: random.Random, clip: Clip) -> list[Question]:
    """Every shape by its name, some by a group's, and the clip as a whole."""
    names = [shape.name for shape in clip.scene.shapes]
    chance.shuffle(names)
    asked = [_point(clip, name) for name in names]
    asked += [_track(clip, name) for name in names[:2]]
    group = _group(chance, clip)
    asked += [_point(clip, group), _track(clip, group)]
    if chance.random() < ABSENT:
        absent = _absent(chance, clip)
        asked.append(chance.choice((_point, _track))(clip, absent))
    asked.append(_whole(Describe(prompt=chance.choice(DESCRIPTIONS)), answers.describe(clip)))
    if chance.random() < LOCALIZED:
        asked.append(_whole(TemporalLocalization(), answers.localize(clip)))
    if chance.random() < ANALYZED:
        asked.append(_whole(Comprehensive(), answers.analyze(clip)))
    chance.shuffle(asked)
    return asked


def _point(clip: Clip, name: str) -> Question:
    answer = answers.point(clip, clip.scene.named(name), name)
    return _whole(Pointing(prompt=name), answer)


def _track(clip: Clip, name: str) -> Question:
    answer = answers.track(clip, clip.scene.named(name), name)
    return _whole(Tracking(prompt=name), answer)


def _whole(operation: GeneratedOperation, answer: str) -> Question:
    return Question(operation.operation, render(operation), answer)


def _group(chance: random.Random, clip: Clip) -> str:
    shape = chance.choice(clip.scene.shapes)
    return chance.choice(("shapes", "shapes", f"{shape.form}s", f"{shape.color} shapes"))


def _absent(chance: random.Random, clip: Clip) -> str:
    here = {shape.name for shape in clip.scene.shapes}
    every = [f"{color} {form}" for color in COLORS for form in FORMS]
    return chance.choice([name for name in every if name not in here])
