"""Answers with wrong places: only digits differ, and nothing is learnt from what is wrong."""

import random
import re
from dataclasses import replace

import pytest

from molmo2_trainer.clip import draw_clip
from molmo2_trainer.mistakes import FARTHEST, with_mistakes
from molmo2_trainer.questions import _track
from molmo2_trainer.row import make_row

PLACE = re.compile(r"(?<= )(\d{3}) (\d{3})(?=[; \"])")


@pytest.fixture
def question():
    return _track(draw_clip(random.Random(0), 3.0, 2), "shapes")


@pytest.mark.parametrize("seed", range(20))
def test_only_places_are_wrong_and_not_by_far(question, seed):
    text = question.answer.text
    written = with_mistakes(random.Random(seed), question.answer)
    assert PLACE.sub("x y", written) == PLACE.sub("x y", text)
    assert len(written) == len(text)
    for was, now in zip(PLACE.findall(text), PLACE.findall(written), strict=True):
        assert all(abs(int(a) - int(b)) <= FARTHEST for a, b in zip(was, now, strict=True))


def test_some_answers_have_mistakes_and_some_have_none(question):
    written = {with_mistakes(random.Random(seed), question.answer) for seed in range(20)}
    assert question.answer.text in written
    assert len(written) > 5


def test_the_right_digit_is_learnt_wherever_the_number_was_right_so_far(language, question):
    clip, text = draw_clip(random.Random(0), 3.0, 2), question.answer.text
    first = PLACE.search(text).start()
    wrong = text[:first] + ("9" if text[first] != "9" else "8") + text[first + 1 :]
    row = make_row(language, clip, [replace(question, written=wrong)])
    right = make_row(language, clip, [question])
    changed = [n for n, (a, b) in enumerate(zip(row.ids, right.ids, strict=True)) if a != b]
    (place,) = changed
    unlearnt = [n for n, label in enumerate(row.labels) if label != right.labels[n]]
    assert unlearnt == [place, place + 1]
    assert row.labels[place - 1] == right.ids[place]
