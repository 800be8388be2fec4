"""The examples, run as they stand on the demo server."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def folder(stage, rendered):
    """Four videos alone: other tests leave theirs beside them."""
    folder = stage.videos / "examples"
    folder.mkdir()
    for video in rendered:
        shutil.copy(video.path, folder)
    return folder


@pytest.fixture
def run(stage, folder, tmp_path):
    """Runs a command as somebody with this server and these videos."""
    environment = os.environ | {
        "MOLMO2_URL": stage.server.http_url,
        "MOLMO2_KEY_FILE": str(stage.server.key_file),
        "VIDEOS": str(folder),
    }

    def run(*command, **fiftyone):
        done = subprocess.run(
            list(map(str, command)),
            env=environment | fiftyone,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    return run


def names(videos):
    return {video.path.name for video in videos}


def test_label_a_folder(run, rendered, folder):
    script = EXAMPLES / "label_a_folder.py"

    said = run(sys.executable, script, folder, "answers.jsonl")
    again = run(sys.executable, script, folder, "answers.jsonl")

    assert all(f"\n{name}: " in said for name in names(rendered))
    assert " s: " in said
    assert " 0 labelled" in again


def test_find_similar_videos(run, rendered, folder):
    video = rendered[1].path.name
    script = EXAMPLES / "find_similar_videos.py"

    said = run(sys.executable, script, folder / video, folder, "vectors.jsonl")

    assert said.splitlines()[-len(rendered)] == f"1.000  {video}"


def test_label_a_dataset(run, tmp_path, database):
    execute = Path(sys.executable).with_name("jupyter-execute")
    executed = tmp_path / "executed.ipynb"

    run(execute, f"--output={executed}", EXAMPLES / "label_a_dataset.ipynb", **database)

    cells = json.loads(executed.read_text())["cells"]
    printed = "".join(
        "".join(output["text"])
        for cell in cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stdout"
    )
    assert "0 with errors" in printed
    assert "positions in frames" in printed
    assert printed.count(".mp4") == 3
    assert all(not cell.get("outputs") for cell in committed_cells())


def committed_cells():
    return json.loads((EXAMPLES / "label_a_dataset.ipynb").read_text())["cells"]
