"""The measures beside those of the authors' own evaluation, on made-up cases.

``authors.json`` holds cases in pixels and seconds with what the code of ``olmo/eval`` made of them
(which, and at which commit, is in the file). An object's mask is a union of rectangles ``[left,
top, right, bottom]``; places lie a quarter of a pixel from the corner, because their code rounds to
a pixel and ours takes the one that a place lies in.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from molmo2_client.fiftyone.scoring.counts import score_counts, stated_count
from molmo2_client.fiftyone.scoring.hits import score_frames
from molmo2_client.fiftyone.scoring.identities import score_tracks
from molmo2_client.fiftyone.scoring.pointing import score_points
from molmo2_client.fiftyone.scoring.regions import Box

CASES = json.loads(Path(__file__).with_name("authors.json").read_text())
RATE = 2
"""Frames a second of the cases of pointing."""


def cases(kind):
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=case.get("name")) for case in CASES[kind]]
    )


def region(case, rectangles):
    width, height = case["size"]
    mask = np.zeros((height, width), bool)
    for left, top, right, bottom in rectangles:
        mask[top:bottom, left:right] = True
    return Box(0, 0, 1, 1, mask)


def place(case, x, y):
    width, height = case["size"]
    return x / width, y / height


def close_to(expected):
    return pytest.approx(expected, abs=1e-5)


@cases("tracking")
def test_tracks(case):
    truth, answered = {}, {}
    for number, frame in enumerate(case["frames"], 1):
        truth[number] = [(name, region(case, each)) for name, each in frame["objects"].items()]
        answered[number] = [(name, place(case, *each)) for name, each in frame["answers"].items()]
    rates = score_frames(
        {number: [each for _, each in named] for number, named in answered.items()},
        {number: [each for _, each in named] for number, named in truth.items()},
        case["size"][0] / case["size"][1],
    )
    scores = score_tracks(answered, truth)
    assert {
        "precision": rates.precision,
        "recall": rates.recall,
        "f1": rates.f1,
        "HOTA": scores.hota,
        "DetA": scores.detection,
        "AssA": scores.association,
    } == close_to(case["expected"])


@cases("pointing")
def test_points(case):
    truth = {
        str(number): {frame_at(shown["time"]): region(case, shown["region"]) for shown in seen}
        for number, seen in enumerate(case["objects"])
    }
    answered = [(frame_at(time), place(case, x, y)) for time, x, y in case["answers"]]
    assert vars(score_points(answered, truth, round(case["duration"] * RATE))) == close_to(
        case["expected"]
    )


def frame_at(time):
    return 1 + round(time * RATE)


@cases("counting")
def test_counts(case):
    said = stated_count(case["text"])
    assert vars(score_counts([(said, case["true"])])) == case["expected"]
