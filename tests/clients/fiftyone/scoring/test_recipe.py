"""docs/quality.md's way from a benchmark to its scores, as it is written there."""

import re
from pathlib import Path
from types import SimpleNamespace

import fiftyone as fo
import numpy as np
import pytest

from molmo2_client.fiftyone import label_dataset
from molmo2_client.fiftyone.scoring import score_dataset

GUIDE = Path(__file__).parents[4] / "docs" / "quality.md"
MAKE, READ = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)


@pytest.fixture
def dataset(database, videos):
    """Made by the guide of two videos: the answers lie in the first one's masks."""

    def masks(left):
        mask = np.zeros((48, 64), bool)
        mask[30:40, left : left + 10] = True
        return {1: mask, 2: np.zeros_like(mask)}

    benchmark = [
        SimpleNamespace(path=str(path), expression="nose", frames=dict.fromkeys(range(1, 21), each))
        for path, each in zip(videos, (masks(10), masks(40)), strict=False)
    ]
    names = {"benchmark": benchmark}
    exec(MAKE, names)
    yield names["dataset"]
    names["dataset"].delete()


def test_masks_become_objects_that_are_scored(dataset, answerer):
    operations = [{"operation": "tracking"}, {"operation": "pointing"}]
    label_dataset(dataset, operations, client=answerer, prompt_field="expression", progress=False)
    scores = score_dataset(dataset, tracks="frames.ground_truth", points="frames.ground_truth")
    assert scores.unanswered == 0
    assert scores.tracks.recall == 0.5
    assert scores.points.recall == 0.5
    assert scores.hota.association == 0.5
    assert dataset.count("frames.ground_truth.detections") == 40


def test_answers_that_begin_with_the_right_letter_are_right(dataset, answerer, capsys):
    dataset.set_values("answer", ["B", "C"])
    asked = [{"operation": "describe", "prompt": "A, B or C?"}]
    label_dataset(dataset, asked, client=answerer, label_field="qa", progress=False)
    dataset.set_values("qa_description", [" B. red", "B"])
    exec(READ, {"dataset": dataset, "fo": fo})
    assert capsys.readouterr().out == "0.5\n"
