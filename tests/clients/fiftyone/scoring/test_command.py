"""``molmo2 score`` on a real dataset that was labelled and has ground truth."""

import json

import fiftyone as fo
import pytest
import typer
from typer.testing import CliRunner

from molmo2_client.command.score import score
from molmo2_client.fiftyone import label_dataset

SCORE = typer.Typer()
SCORE.command()(score)


@pytest.fixture
def dataset(make_dataset, answerer):
    """Two videos; the true box of the nose is in the first where the answer is, then elsewhere."""
    dataset = make_dataset(2, number=[4, 5])
    asked = [{"operation": "tracking", "prompt": "nose"}, {"operation": "describe", "prompt": "4"}]
    label_dataset(dataset, asked, client=answerer, progress=False)
    dataset.set_values("molmo2_description", ["4", "4"])
    for left, sample in zip((0.2, 0.6), dataset.iter_samples(autosave=True), strict=True):
        for frame in sample.frames.values():
            box = [left, 0.7, 0.1, 0.1]
            true = [fo.Detection(label="nose", bounding_box=box, index=i) for i in (1, 2)]
            frame["ground_truth"] = fo.Detections(detections=true)
    return dataset


def run(dataset, *arguments):
    return CliRunner().invoke(SCORE, [dataset.name, *arguments])


def test_the_scores_are_printed_as_json(dataset):
    result = run(dataset, "--tracks", "frames.ground_truth", "--counts", "number", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "samples": 2,
        "unanswered": 0,
        "counts": {"exact": 0.5, "close": 1.0},
        "tracks": {"precision": 0.5, "recall": 0.5, "f1": 0.5},
        "hota": {"hota": 0.5, "detection": 0.5, "association": 0.5},
    }


def test_or_as_a_table_of_fewer_videos(dataset):
    result = run(dataset, "--tracks", "frames.ground_truth", "--max-samples", "1", "--table")
    assert result.exit_code == 0, result.output
    rows = [line.replace("│", " ").split() for line in result.stdout.splitlines()]
    assert ["tracks", "f1", "1.000"] in rows
    assert ["samples", "1"] in rows


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name the ground truth"),
        (["--tracks", "frames.nothing"], "frames.nothing: there is no such field"),
        (["--points", "frames.ground_truth"], "frames.molmo2_points: there are no answers"),
    ],
)
def test_what_cannot_be_scored_ends_with_one_line(dataset, arguments, told):
    result = run(dataset, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("molmo2: ")
    assert told in result.stderr


def test_a_dataset_that_is_not_there_is_named(dataset):
    result = CliRunner().invoke(SCORE, ["no-such", "--tracks", "frames.ground_truth"])
    assert result.exit_code == 2
    assert "there is no dataset 'no-such'" in result.stderr
