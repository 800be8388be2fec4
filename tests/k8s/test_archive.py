"""The archive that a pod builds when it starts: with the command of its init container."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from rendering import ROOT, container, model_config, the

from molmo2_archive.checkpoints import find
from molmo2_contract.weights import RECORD_NAME, WeightsRecord
from molmo2_handler.settings import HandlerSettings

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def build(overlay, folder, source=None, **model):
    """What the command did; ``source`` is the checkpoint that the puller wrote down."""
    model = {**the(overlay, "ConfigMap", "molmo2-model")["data"], **model}
    (folder / "model-config.yaml").write_text(
        the(overlay, "ConfigMap", "molmo2-config")["data"]["model-config.yaml"]
    )
    weights = folder / "weights" / model["NAME"] / model["REVISION"]
    shutil.copytree(ROOT / "demo" / "checkpoint", weights)
    if source is not None:
        record = WeightsRecord(source=source, revision=COMMIT, files={})
        (weights / RECORD_NAME).write_text(record.model_dump_json())
    arguments = container(overlay, "archive")["args"]
    for there in ("/etc/molmo2/", "/weights/", "/models"):
        here = f"{folder}/" if there == "/etc/molmo2/" else f"{folder}{there}"
        arguments = [argument.replace(there, here) for argument in arguments]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **model, "PATH": path}
    return subprocess.run(arguments, env=environment, capture_output=True, text=True)


def built(overlay, folder, source=None, **model):
    """The configuration in the archive."""
    done = build(overlay, folder, source, **model)
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "models").glob("*.mar")
    with zipfile.ZipFile(path) as archive:
        config = yaml.safe_load(archive.read("model-config.yaml"))
    HandlerSettings(**config["handler"])
    return config


def test_the_demos_is_what_its_overlay_says(tmp_path):
    config, wanted = built("demo-cpu", tmp_path), model_config("demo-cpu")
    assert config["engine"].pop("checkpoint") == str(tmp_path / "weights" / "molmo2-demo" / "demo")
    assert config["engine"].pop("revision").startswith("sha256:")  # of the demo's own files
    del wanted["engine"]["checkpoint"]
    assert config == wanted


@pytest.mark.parametrize(
    ("name", "memory"), [("allenai/Molmo2-8B", 24), ("allenai/Molmo2-O-7B", 141)]
)
def test_a_released_checkpoint_has_its_settings_for_the_nodes_gpus(tmp_path, name, memory):
    config = built("gpu", tmp_path, name, GPU_MEMORY=str(memory))
    wanted, known = model_config("gpu"), find(name)
    assert not known.engine_settings(memory).keys() & wanted["engine"].keys()
    assert config["engine"].items() >= known.engine_settings(memory).items()
    assert config["engine"]["revision"] == COMMIT
    assert config["jobQueueSize"] == wanted["jobQueueSize"]


def test_one_that_only_points_refuses_everything_else(tmp_path):
    config = built("gpu", tmp_path, "allenai/Molmo2-VideoPoint-4B")
    assert config["handler"]["operations"] == ["pointing"]
    assert config["handler"]["checkpoint"] == "allenai/Molmo2-VideoPoint-4B"


def test_one_of_your_own_is_served_like_the_one_that_it_was_made_from(tmp_path):
    config = built("gpu", tmp_path, "s3://ours/tuned", LIKE="allenai/Molmo2-4B")
    assert config["engine"]["max_context_tokens"] == 36864
    assert config["handler"]["checkpoint"] == "s3://ours/tuned"


def test_one_that_nobody_knows_is_refused_with_what_to_say(tmp_path):
    refused = build("gpu", tmp_path, "s3://ours/tuned")
    assert refused.returncode != 0
    assert "--like" in refused.stderr
