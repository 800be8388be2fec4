"""Scenes as tensors say what the clips say."""

import random

import pytest

from molmo2_demo.scene import COLORS, FORMS
from molmo2_trainer import answers
from molmo2_trainer.clip import draw_clip
from molmo2_trainer.scenes import MOTIONS, Scenes


@pytest.mark.parametrize("seed", range(3))
def test_shapes_are_where_the_clip_has_them(seed):
    clip = draw_clip(random.Random(seed), 3.0, 3)
    scenes = Scenes.of([clip])
    cells = scenes.cells((4, 4))
    for place, shape in enumerate(clip.scene.shapes):
        color, form = scenes.looks[0, place].tolist()
        assert f"{list(COLORS)[color]} {FORMS[form]}" == shape.name
        assert MOTIONS[scenes.motions[0, place]] == shape.motion
        assert scenes.visible[0, :, place].nonzero()[:, 0].tolist() == clip.frames(shape)
        for frame in clip.frames(shape):
            x, y = clip.place(place, frame)
            assert scenes.centers[0, frame, place].tolist() == pytest.approx((x, y), abs=1e-6)
            assert cells[0, frame, place] == 4 * int(4 * y) + int(4 * x)


@pytest.mark.parametrize("seed", range(3))
def test_shapes_are_numbered_and_told_as_answers_do(seed):
    clip = draw_clip(random.Random(seed), 3.0, 3)
    scenes = Scenes.of([clip])
    told = answers.describe(clip).text.split(". ")
    for place, shape in enumerate(clip.scene.shapes):
        assert shape.name in told[scenes.tellings[0, place]]
    numbered = scenes.numbers[0].argsort().tolist()
    assert numbered == answers.numbering(clip, clip.scene.shapes)
