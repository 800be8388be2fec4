"""From videos through labelling into a dataset on a real MongoDB, and back to a score."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("label_with_the_truth.py")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    run = subprocess.run(
        [sys.executable, PROGRAM, tmp_path_factory.mktemp("run")], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def test_the_truth_as_an_answer_scores_one(outcomes):
    perfect = outcomes["perfect"]

    assert (perfect["point_hit_rate"], perfect["track_hit_rate"]) == (1.0, 1.0)
    assert (perfect["videos"], perfect["results"], perfect["errors"]) == (3, 18, 0)


def test_positions_between_sampled_frames_are_shown_and_not_scored(outcomes):
    assert outcomes["interpolated"] > outcomes["expected"]


def test_a_failed_request_is_six_errors_and_lowers_the_rates(outcomes):
    everything = outcomes["all"]

    assert (everything["videos"], everything["results"], everything["errors"]) == (4, 18, 6)
    assert (everything["http"], everything["grpc"]) == (12, 6)
    assert everything["point_hit_rate"] < 1
    assert everything["track_hit_rate"] < 1


def test_json_is_judged_by_the_raw_text(outcomes):
    assert outcomes["perfect"]["json_valid"] == 0.5


def test_samples_are_tagged_with_their_transport(outcomes):
    assert outcomes["tags"] == [["http"], ["http"], ["grpc"], ["grpc"]]


def test_the_true_centres_stand_beside_the_answers(outcomes):
    assert outcomes["true_labels"] == outcomes["expected"] > 0
