"""Every command of the README, run as it stands, in order."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
NOT_RUN = {
    "make test": "runs this test",
    "pip install '.[": "would take away what the other tests need",
}


def blocks(language):
    text = (ROOT / "README.md").read_text()
    found = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return [block for block in found if not block.startswith(tuple(NOT_RUN))]


def run(*command, **fiftyone):
    """Runs it in the repository's environment; its output is shown when it fails."""
    path = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **fiftyone}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_make_demo_labels_and_checks_a_dataset():
    demo, *_ = blocks("bash")
    last = json.loads(run("bash", "-ec", demo).splitlines()[-1])
    assert set(last) == {
        *("videos", "results", "errors", "http", "grpc", "json_valid"),
        *("point_hit_rate", "track_hit_rate", "seconds", "dataset"),
    }
    counts = {name: last[name] for name in ("videos", "results", "errors", "http", "grpc")}
    assert counts == {"videos": 8, "results": 48, "errors": 0, "http": 24, "grpc": 24}
    assert last["json_valid"] == 1.0
    # What the model card says of such videos; blind guesses come to less than a tenth of it.
    assert last["point_hit_rate"] > 0.6
    assert last["track_hit_rate"] > 0.2


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The README's own server, on the ports that the README names."""
    _, serve, *_ = blocks("bash")
    log = tmp_path_factory.mktemp("readme") / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-ec", serve], cwd=ROOT, stdout=output, stderr=output, start_new_session=True
        )
    try:
        while "Ctrl-C stops it" not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.5)
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("served")
def test_the_commands_and_the_usage_run_in_order(tmp_path, database):
    _, _, ask, label, *rest = blocks("bash")
    assert rest == []
    answers = run("bash", "-ec", ask)
    assert answers.count('"operation"') >= 5
    script = tmp_path / "usage.py"
    script.write_text("\n".join(blocks("python")) + CHECKS)
    run(sys.executable, script, **database)
    run("bash", "-ec", label, **database)
    run(sys.executable, "-c", AFTER, **database)


CHECKS = """
import sys
assert "torch" not in sys.modules
assert len(dataset.exists("prompted_description")) == 8
assert len(dataset.exists("answer_pred_description")) == 8
assert len(dataset.exists("molmo_embeddings")) == 8
assert dataset.count("frames.molmo2_points.keypoints") > 0
assert dataset.count("frames.molmo2_tracks.keypoints.instance") > 0
assert dataset.count("molmo2_events.detections") > 0
assert len(dataset.exists("frames.point_pred_points")) == 8
assert len(dataset.exists("molmo2_summary")) == 8
assert results.points.shape == (8, 2)
assert session.url
"""

AFTER = """
import fiftyone as fo
assert len(fo.load_dataset("shapes").exists("shell_description")) == 8
"""
