"""Two versions of a model in each pod: what starts them, and what changes over between them."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml
from rendering import K8S, ROOT, container, model_config, the

from molmo2_contract.weights import RECORD_NAME, WeightsRecord

OVERLAY = "two-versions"
FIRST = the(OVERLAY, "ConfigMap", "molmo2-model")["data"]
SECOND = {**FIRST, **the(OVERLAY, "ConfigMap", "molmo2-second")["data"], "REVISION": "tuned"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The configuration in each archive that a pod's init containers leave, by its file."""
    folder = tmp_path_factory.mktemp("pod")
    config = the(OVERLAY, "ConfigMap", "molmo2-config")["data"]["model-config.yaml"]
    (folder / "model-config.yaml").write_text(config)
    for name, model in (("archive", FIRST), ("archive-second", SECOND)):
        weights = folder / "weights" / model["NAME"] / model["REVISION"]
        shutil.copytree(ROOT / "demo" / "checkpoint", weights)
        record = WeightsRecord(source=model["CHECKPOINT"], revision=None, files={})
        (weights / RECORD_NAME).write_text(record.model_dump_json())
        arguments = container(OVERLAY, name)["args"]
        for there, here in (("/etc/molmo2", ""), ("/weights", "/weights"), ("/models", "/models")):
            arguments = [argument.replace(there, f"{folder}{here}") for argument in arguments]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, **model, "PATH": path}
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    found = {}
    for path in (folder / "models").iterdir():
        with zipfile.ZipFile(path) as archive:
            found[path.stem] = yaml.safe_load(archive.read("model-config.yaml"))
    return found


def test_both_are_served_and_the_first_is_for_those_who_name_none(built):
    server = container(OVERLAY, "server")
    named = [a.partition("=")[2] for a in server["args"] if a.startswith("--model=")]
    named = [name.replace("$(NAME)", FIRST["NAME"]) for name in named]
    assert named == [FIRST["NAME"], f"{FIRST['NAME']}-2.0"]
    assert set(named) == built.keys()
    assert the(OVERLAY, "ConfigMap", "molmo2-model")["metadata"]["name"] in {
        source["configMapRef"]["name"] for source in server["envFrom"] if "configMapRef" in source
    }


def test_they_share_the_gpu_and_are_together_one_of_the_base(built):
    base, ours = model_config("gpu"), model_config(OVERLAY)
    for name in ("minWorkers", "maxWorkers", "jobQueueSize"):
        assert 2 * ours[name] == base[name]
    for config in built.values():
        assert config["engine"]["share_gpu"] is True
        assert config["engine"]["gpu_memory_fraction"] == base["engine"]["gpu_memory_fraction"] / 2
    checkpoints = {config["engine"]["checkpoint"].rpartition("/")[2] for config in built.values()}
    assert checkpoints == {FIRST["REVISION"], "tuned"}


def test_the_second_is_fetched_and_built_as_the_first_is():
    for name in ("weights", "archive"):
        first, second = container(OVERLAY, name), container(OVERLAY, f"{name}-second")
        (script,) = (a for a in second["args"] if "molmo2" in a)
        assert script.replace(" --version=2.0", "") in first["args"]
        for part in ("image", "securityContext", "volumeMounts", "resources"):
            assert first[part] == second[part]


def test_the_guides_command_changes_over(built):
    """Its Python, sent to what stands in for TorchServe's management."""
    guide = (K8S / "README.md").read_text()
    (program,) = re.findall(r'python -c "(.*?)"\n', guide, re.DOTALL)
    asked = []

    class Management(BaseHTTPRequestHandler):
        def do_PUT(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Management) as server:
        Thread(target=server.handle_request, daemon=True).start()
        program = program.replace("8081", str(server.server_port)).replace("\n  ", "\n")
        subprocess.run([sys.executable, "-c", program], check=True)
    assert asked == [f"/models/{FIRST['NAME']}/2.0/set-default"]
