"""The weights, as a pod's init container fetches them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rendering import OVERLAYS, ROOT, container, the

from molmo2_contract.weights import RECORD_NAME


def run(overlay, weights, checkpoint, path, revision="demo"):
    """The init container's own command, with the volume and its PATH as given."""
    arguments = [a.replace("/weights", str(weights)) for a in container(overlay, "weights")["args"]]
    environment = {"PATH": path, "CHECKPOINT": str(checkpoint)}
    environment |= {"NAME": "molmo2-demo", "REVISION": revision, "HOME": str(weights)}
    return subprocess.run(arguments, env=environment, capture_output=True, text=True)


@pytest.fixture
def command(tmp_path):
    """A folder of programs in which ``molmo2`` fetches a folder: folders have no revisions."""
    programs = tmp_path / "programs"
    programs.mkdir()
    molmo2 = Path(sys.executable).with_name("molmo2")
    script = f'#!/bin/sh\nexec "{molmo2}" weights pull "$3" "$4"\n'
    (programs / "molmo2").write_text(script)
    (programs / "molmo2").chmod(0o755)
    return f"{programs}:{os.environ['PATH']}"


def test_they_are_fetched_once_and_then_no_source_is_asked(tmp_path, command):
    weights = tmp_path / "weights"
    weights.mkdir()
    first = run("weights-pvc", weights, ROOT / "demo" / "checkpoint", command)
    assert first.returncode == 0, first.stderr
    folder = weights / "molmo2-demo" / "demo"
    assert (folder / RECORD_NAME).is_file()
    assert (folder / "model.safetensors").is_file()
    again = run("weights-pvc", weights, tmp_path / "gone", "/usr/bin:/bin")
    assert again.returncode == 0, again.stderr


def test_a_source_that_is_away_is_a_failure_that_names_it(tmp_path, command):
    failed = run("weights-pvc", tmp_path, tmp_path / "gone", command)
    assert failed.returncode != 0
    assert "gone" in failed.stderr


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_revisions_lie_side_by_side_and_the_archive_names_the_one_asked_for(overlay):
    model = the(overlay, "ConfigMap", "molmo2-model")["data"]
    assert model["REVISION"]
    assert "/weights/$(NAME)/$(REVISION)" in container(overlay, "archive")["args"]
    fetching = container(overlay, "weights")
    script = " ".join([*fetching.get("command", ()), *fetching.get("args", ())])
    assert "/weights/$NAME/$REVISION" in script
