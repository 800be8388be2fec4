"""``molmo2 label`` and ``molmo2 embed`` on a folder, as a shell runs them, without FiftyOne."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from molmo2_client.folder import read_answers

WITHOUT_FIFTYONE = """
import sys
sys.modules["fiftyone"] = None  # as if it were not installed
from molmo2_client.command.app import main
main()
"""


@pytest.fixture
def command(clips, contract_server, tmp_path):
    """The command and the environment of a run about the folder of clips."""

    def compose(name, *arguments):
        given = ["--output", tmp_path / "answers.jsonl", "--media", "path", *arguments]
        line = [sys.executable, "-c", WITHOUT_FIFTYONE, name, clips, *given]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MOLMO2_")}
        return list(map(str, line)), inherited | {"MOLMO2_URL": contract_server.url}

    return compose


@pytest.fixture
def molmo2(command):
    def run(name, *arguments):
        line, environment = command(name, *arguments)
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def answers(tmp_path):
    return lambda: sorted(read_answers(tmp_path / "answers.jsonl"), key=lambda a: a.video)


def test_a_folder_is_labelled(molmo2, answers):
    done = molmo2("label", "--operation", "tracking", "--prompt", "car", "--operation", "embed")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["statuses"] == {"tracking": {"ok": 5}, "embed": {"ok": 5}}
    assert [answer.video for answer in answers()][-1] == "more/e.mp4"
    assert answers()[0].operations[0].prompt == "car"


def test_two_questions_of_a_kind_have_each_its_prompt(molmo2, answers):
    first, second = (["--operation", "describe", "--prompt", prompt] for prompt in "AB")
    done = molmo2("label", *first, *second)

    assert done.returncode == 0, done.stderr
    for answer in answers():
        assert [operation.prompt for operation in answer.operations] == ["A", "B"]


def test_answers_and_frames_are_bounded_as_asked(molmo2, answers):
    asked = ["--operation", "tracking", "--prompt", "car", "--operation", "embed"]
    bounds = ["--max-new-tokens", 64, "--end", 1, "--max-frames", 8, "--max-fps", 1]
    done = molmo2("label", *asked, *bounds)

    assert done.returncode == 0, done.stderr
    for answer in answers():
        assert answer.operations[0].max_new_tokens == 64
        assert answer.sampling == {"end": 1, "max_frames": 8, "max_fps": 1}
        assert answer.response.video.sampled.times[-1] <= 1


def test_a_server_that_is_away_is_asked_again_as_long_as_asked_for(command, contract_server):
    contract_server.away = True
    line, environment = command("embed", "--retry-for", "600", "--concurrency", "1")
    process = subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True)
    for _ in range(2):
        assert "trying again in" in process.stderr.readline()
    contract_server.away = False
    process.communicate(timeout=60)

    assert process.returncode == 0
    assert len(contract_server.asked) == 5


def test_a_folder_is_described_by_a_schema(molmo2, answers, tmp_path):
    schema = tmp_path / "cars.json"
    schema.write_text('{"type": "integer"}')
    described = ["--operation", "describe", "--prompt", "How many?"]
    done = molmo2("label", *described, "--operation", "embed", "--schema", schema)

    assert done.returncode == 0, done.stderr
    assert answers()[0].operations[0].json_schema == {"type": "integer"}


def test_a_folder_is_embedded_and_a_second_run_asks_nothing(molmo2, answers, contract_server):
    first = molmo2("embed", "--pooling", "max", "--table")
    second = molmo2("embed", "--pooling", "max", "--table")

    assert first.stdout.startswith("5 videos: 5 labelled, 0 finished before, 0 with errors")
    assert second.stdout.startswith("5 videos: 0 labelled, 5 finished before")
    assert len(contract_server.asked) == 5
    assert {len(answer.response.results[0].embedding) for answer in answers()} == {8}


def test_a_folder_is_embedded_by_the_frame_too(molmo2, answers):
    assert molmo2("embed", "--per-frame").returncode == 0
    for answer in answers():
        (result,) = answer.response.results
        assert [frame.frame for frame in result.frames] == answer.response.video.sampled.frames


def test_a_failed_video_is_told_and_makes_the_exit_code_1(molmo2, contract_server):
    contract_server.failing = {"b.mp4"}

    done = molmo2("embed", "--table")

    assert done.returncode == 1
    assert "1 × video_unreadable, e.g. no video" in done.stdout
    assert "b.mp4 embed: video_unreadable: no video" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["label", "--operation", "pointing"], "0 given, wanted: one for pointing"),
        (["label", "--operation", "embed", "--label-field", "x"], "means nothing for a folder"),
        (["label", "--operation", "embed", "--max-new-tokens", "8"], "embed writes none"),
        (["embed", "--max-frames", "1"], "video.max_frames"),
        (["embed", "--view", "x"], "--view"),
        (["embed", "--map-prefix", "x"], "HERE=THERE"),
    ],
)
def test_wrong_usage_exits_with_2_and_asks_nothing(molmo2, contract_server, arguments, message):
    done = molmo2(*arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert contract_server.asked == []


def test_other_questions_exit_with_2(molmo2):
    molmo2("embed", "--pooling", "max")

    done = molmo2("embed", "--pooling", "mean")

    assert done.returncode == 2
    assert "answers to other questions" in done.stderr


def test_prefixes_say_where_the_server_has_the_folder(molmo2, clips, answers, tmp_path):
    there = tmp_path / "there"
    there.symlink_to(clips)

    done = molmo2("embed", "--media", "uri", "--map-prefix", f"{clips}={there}")

    assert done.returncode == 0, done.stderr
    assert len(answers()) == 5


def test_ctrl_c_loses_nothing(command, molmo2, contract_server, answers):
    contract_server.hold = 1.0
    line, environment = command("embed", "--concurrency", "1")
    process = subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True)
    while len(contract_server.asked) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    kept = len(answers())
    contract_server.hold = 0.0

    molmo2("embed")

    assert process.returncode == 130
    assert "run it again to go on" in said
    assert kept >= 2
    assert len(contract_server.asked) <= 5 + 1  # one more, of which the answer was not awaited
    assert len(answers()) == 5
