"""The archive that a pod builds when it starts."""

import shutil
import subprocess
import sys
import zipfile

import pytest
import yaml
from rendering import ROOT, container, model_config, the

from molmo2_handler.settings import HandlerSettings


@pytest.mark.parametrize("overlay", ["gpu", "demo-cpu"])
def test_a_pod_builds_its_archive_with_the_command_of_its_init_container(overlay, tmp_path):
    model = the(overlay, "ConfigMap", "molmo2-model")["data"]
    (tmp_path / "model-config.yaml").write_text(
        the(overlay, "ConfigMap", "molmo2-config")["data"]["model-config.yaml"]
    )
    weights = tmp_path / "weights" / model["NAME"] / model["REVISION"]
    shutil.copytree(ROOT / "demo" / "checkpoint", weights)
    python, *arguments = container(overlay, "archive")["args"]
    assert python == "python"
    for there, here in (
        ("$(NAME)", model["NAME"]),
        ("$(REVISION)", model["REVISION"]),
        ("/etc/molmo2/", f"{tmp_path}/"),
        ("/weights/", f"{tmp_path}/weights/"),
        ("/models", f"{tmp_path}/models"),
    ):
        arguments = [argument.replace(there, here) for argument in arguments]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(tmp_path / "models" / f"{model['NAME']}.mar") as archive:
        built = yaml.safe_load(archive.read("model-config.yaml"))
    assert built["engine"].pop("checkpoint") == str(weights)
    wanted = model_config(overlay)
    del wanted["engine"]["checkpoint"]
    assert built == wanted
    HandlerSettings(**built["handler"])
