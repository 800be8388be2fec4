"""``molmo2 label`` and ``embed`` on a real TorchServe, whose echo archive repeats what is asked."""

import json
import sys

import pytest
import typer
from typer.testing import CliRunner

from molmo2_client.command.embed import embed
from molmo2_client.command.label import label
from molmo2_contract.errors import Unauthorized

LABEL, EMBED = typer.Typer(), typer.Typer()
LABEL.command()(label)
EMBED.command()(embed)


@pytest.fixture
def dataset(make_dataset):
    dataset = make_dataset(3, what=["a nose", "a hand", None])
    dataset.save_view("first", dataset.limit(1))
    return dataset


def run(*arguments, app=LABEL, **environment):
    return CliRunner(env=environment).invoke(app, [str(a) for a in arguments])


@pytest.fixture
def labelled(dataset, torchserve):
    """Runs the command against the test server."""

    def run_it(*arguments, url=torchserve.http_url, app=LABEL):
        return run(
            dataset.name,
            *arguments,
            app=app,
            MOLMO2_URL=url,
            MOLMO2_MODEL="echo",
            MOLMO2_KEY_FILE=str(torchserve.key_file),
        )

    return run_it


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_every_video_is_asked_over_both_transports(dataset, labelled, torchserve, protocol):
    url = getattr(torchserve, f"{protocol}_url")

    result = labelled(
        *("--operation", "pointing", "--prompt", "a nose"),
        *("--operation", "embed", "--operation", "describe", "--prompt", "what video"),
        url=url,
    )

    summary = json.loads(result.stdout)
    dataset.reload()
    assert result.exit_code == 0, result.output
    assert summary["statuses"] == {name: {"ok": 3} for name in ("pointing", "embed", "describe")}
    assert dataset.distinct("frames.molmo2_points.keypoints.label") == ["a nose"]
    assert dataset.values("molmo2_embedding")[2].tolist() == [1.0, 0.0]
    assert "bytes, sha256" in dataset.first().molmo2_description


def test_a_server_that_can_read_the_files_is_sent_their_paths(dataset, labelled):
    result = labelled("--operation", "describe", "--prompt", "what video", "--media", "path")

    dataset.reload()
    assert result.exit_code == 0, result.output
    assert dataset.values("molmo2_description") == [
        f"at file://{path}" for path in dataset.values("filepath")
    ]


def test_prompts_of_the_samples_fall_back_to_the_prompt_given(dataset, labelled):
    result = labelled(
        *("--operation", "pointing", "--prompt", "a face"),
        *("--prompt-field", "pointing=what", "--label-field", "faces"),
    )

    dataset.reload()
    assert result.exit_code == 0, result.output
    assert dataset.values("faces_run.pointing.prompt") == ["a nose", "a hand", "a face"]


def test_a_sample_without_a_prompt_makes_the_exit_code_1(dataset, labelled):
    result = labelled("--operation", "describe", "--prompt-field", "what")

    summary = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (summary["samples"], summary["failed"]) == (3, 1)
    assert summary["failures"][0]["kind"] == "invalid_request"


def test_a_view_and_a_number_of_samples_bound_what_is_asked(dataset, labelled):
    of_view = labelled("--operation", "embed", "--view", "first")
    of_two = labelled("--operation", "embed", "--max-samples", "2", "--table")

    assert json.loads(of_view.stdout)["samples"] == 1
    assert of_two.stdout.startswith("2 videos: 1 labelled, 1 finished before, 0 with errors")


def test_a_dataset_is_embedded_with_its_frames(dataset, labelled):
    result = labelled("--pooling", "max", "--per-frame", app=EMBED)

    dataset.reload()
    assert result.exit_code == 0, result.output
    assert dataset.values("molmo2_embedding")[0].tolist() == [0.0, 1.0]
    assert dataset.first().frames[1].molmo2_embedding.tolist() == [0.0, 1.0]


def test_frames_and_answers_are_bounded_as_asked(dataset, labelled):
    asked = ["--operation", "describe", "--prompt", "a", "--operation", "embed"]
    result = labelled(*asked, "--max-new-tokens", "64", "--max-frames", "8", "--max-fps", "1")
    embedded = labelled("--max-frames", "4", "--embeddings-field", "few", app=EMBED)

    dataset.reload()
    run = dataset.first().molmo2_run
    assert (result.exit_code, embedded.exit_code) == (0, 0), result.output
    assert json.loads(run.embed.settings) == {"max_frames": 8, "max_fps": 1}
    assert json.loads(run.describe.settings)["max_new_tokens"] == 64
    assert dataset.values("few_run.embed.settings") == ['{"max_frames": 4}'] * 3


def test_another_prompt_needs_overwrite(dataset, labelled):
    labelled("--operation", "describe", "--prompt", "one")

    refused = labelled("--operation", "describe", "--prompt", "another")
    redone = labelled("--operation", "describe", "--prompt", "another", "--overwrite")

    dataset.reload()
    assert refused.exit_code == 2
    assert "describe was 'one', is 'another'" in refused.stderr
    assert "Name another field to keep both, or give --overwrite to replace" in refused.stderr
    assert redone.exit_code == 0
    assert dataset.values("molmo2_description") == ["another"] * 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--operation", "pointing"], "0 given, wanted: one for pointing"),
        (["--operation", "embed", "--prompt", "x"], "1 given, wanted: none"),
        (["--operation", "describe", "--prompt-field", "=what"], "OPERATION=FIELD"),
        (["--operation", "embed", "--end", "3"], "is for folders; a dataset has clips"),
        (["--operation", "embed", "--view", "second"], "has no saved view 'second' among first"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_asks_nothing(dataset, arguments, message):
    result = run(dataset.name, *arguments, MOLMO2_URL="http://127.0.0.1:1")

    assert result.exit_code == 2
    assert message in result.output


def test_an_unknown_dataset_is_answered_with_those_that_exist(dataset):
    result = run("no such dataset", "--operation", "embed")

    assert result.exit_code == 2
    assert dataset.name in result.stderr


def test_without_fiftyone_it_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "fiftyone")
    monkeypatch.setattr(sys, "path", [])

    result = run("clips", "--operation", "embed")

    assert result.exit_code == 2
    assert "pip install 'molmo2-torchserve[fiftyone]'" in result.stderr


def test_a_refused_token_ends_it(dataset, labelled, tmp_path):
    key_file = tmp_path / "key_file.json"
    key_file.write_text(json.dumps({"inference": {"key": "wrong"}}))

    result = labelled("--operation", "embed", "--key-file", key_file)

    assert isinstance(result.exception, Unauthorized)
