"""Where tokens should look: at what their words are read from."""

import random

import pytest

from molmo2_trainer.clip import draw_clip
from molmo2_trainer.questions import _point, _track
from molmo2_trainer.row import LAST_DIGIT, make_row


@pytest.fixture(params=range(3))
def clip(request):
    return draw_clip(random.Random(request.param), 3.0, 3)


def words(language, row, tokens):
    return language.tokenizer.decode([row.ids[token] for token in tokens]).strip()


def test_visual_tokens_look_up_the_time_of_their_frame(language, clip):
    row = make_row(language, clip, [])
    patches = [place for place, token in enumerate(row.ids) if token == language.patch]
    assert len(patches) == 16 * len(clip.times)
    for number, token in enumerate(patches):
        seconds, tenths = f"{clip.times[number // 16]:.1f}".split(".")
        assert words(language, row, row.targets["own_seconds"][token]) == seconds
        assert words(language, row, row.targets["own_tenths"][token]) == tenths


def test_a_place_is_read_from_the_part_of_the_frame_that_holds_it(language, clip):
    row = make_row(language, clip, [_track(clip, "shapes")])
    patches = [place for place, token in enumerate(row.ids) if token == language.patch]
    found = 0
    for token, targets in row.targets["gaze"].items():
        if token not in row.targets["number"] or row.weights[token] == LAST_DIGIT:
            continue
        (target,) = targets
        frame, cell = divmod(patches.index(target), 16)
        seconds, tenths = (row.targets[name][token] for name in ("seconds", "tenths"))
        written = words(language, row, seconds) + "." + words(language, row, tenths)
        assert written == f"{clip.times[frame]:.1f}"
        centers = [
            clip.place(shape, frame)
            for shape, each in enumerate(clip.scene.shapes)
            if frame in clip.frames(each)
        ]
        assert (cell // 4, cell % 4) in {(int(4 * y), int(4 * x)) for x, y in centers}
        found += 1
    positions = sum(len(clip.frames(shape)) for shape in clip.scene.shapes)
    assert found == 6 * positions  # two spaces and four digits of each


def test_answers_about_one_shape_look_up_its_name(language, clip):
    shape = clip.scene.shapes[1]
    row = make_row(language, clip, [_point(clip, shape.name)])
    assert {words(language, row, t) for t in row.targets["color"].values()} == {shape.color}
    assert {words(language, row, t) for t in row.targets["form"].values()} == {shape.form}


def test_tokens_look_back_only(language, clip):
    row = make_row(
        language, clip, [_track(clip, "shapes"), _track(clip, clip.scene.shapes[0].name)]
    )
    for targets in row.targets.values():
        assert all(row.visual[token] or max(at) <= token for token, at in targets.items())
