"""The image, run as Kubernetes would run it: `make k8s-image` builds it and names it here."""

import json
import shutil
import subprocess
import time

import pytest
from podman import REGISTRY, image, podman
from rendering import ROOT, container, model_config, pod, the

OVERLAY = "demo-cpu"
IMAGE = image(container(OVERLAY, "server")["image"])
CALLER = image("molmo2-labelling")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(REGISTRY is None, reason="there is no image: make k8s-image"),
]

READY = (
    "import sys, urllib.request as r; "
    "sys.exit(r.urlopen('http://127.0.0.1:8083/readyz').status != 200)"
)


def restricted():
    """The server's security context, as options of podman."""
    security = container(OVERLAY, "server")["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    user = pod(OVERLAY)[1]["securityContext"]["runAsUser"]
    options = ["--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", f"--user={user}"]
    return [*options, "--security-opt=no-new-privileges", "--network=none"]


def run(*command, of=IMAGE, mounts=()):
    return podman("run", "--rm", *restricted(), *mounts, of, *command, check=False)


def test_an_init_is_the_first_process():
    assert run("cat", "/proc/1/comm").stdout.strip() == "tini"


def test_nothing_can_be_written_and_nobody_is_root():
    assert run("sh", "-c", "touch /opt/molmo2/x").returncode != 0
    assert run("id", "-u").stdout.strip() == "10001"


def test_there_is_no_compiler():
    assert run("sh", "-c", "command -v cc gcc clang g++ make").stdout == ""


def test_there_are_no_weights():
    found = run("find", "/", "-xdev", "-name", "*.safetensors", "-o", "-name", "*.gguf")
    assert found.stdout == ""


def test_a_callers_image_has_the_client_and_fiftyone_and_no_torch():
    room = ["--tmpfs=/tmp:mode=1777", "--env=HOME=/tmp"]
    there = "from importlib.util import find_spec; print(find_spec('torch'))"
    assert run("molmo2", "label", "--help", of=CALLER, mounts=room).returncode == 0
    told = run("python", "-c", f"{there}; import fiftyone", of=CALLER, mounts=room)
    assert told.returncode == 0, told.stderr
    assert told.stdout.split()[0] == "None"
    assert run("id", "-u", of=CALLER).stdout.strip() == "10001"


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """Weights, models, configuration and a run directory, for the image's user."""
    folder = tmp_path_factory.mktemp("volumes")
    model = the(OVERLAY, "ConfigMap", "molmo2-model")["data"]
    shutil.copytree(
        ROOT / "demo" / "checkpoint", folder / "weights" / model["NAME"] / model["REVISION"]
    )
    for name in ("etc", "models", "run", "tmp"):
        (folder / name).mkdir()
    for name, text in the(OVERLAY, "ConfigMap", "molmo2-config")["data"].items():
        (folder / "etc" / name).write_text(text)
    subprocess.run(["chown", "-R", "10001:10001", folder], check=True)
    subprocess.run(["chmod", "-R", "a+rX", folder.parent], check=True)
    places = {"weights": "/weights", "models": "/models", "etc": "/etc/molmo2"}
    places |= {"run": "/run/molmo2", "tmp": "/tmp"}
    environment = [f"--env={name}={value}" for name, value in model.items()]
    return [*(f"-v={folder / name}:{place}" for name, place in places.items()), *environment]


def serves(name):
    """Whether it is ready, and `molmo2 serve` has seen so."""
    ready = podman("exec", name, "python", "-c", READY, check=False).returncode == 0
    return ready and "serving molmo2-demo" in podman("logs", name).stdout


def test_it_builds_its_archive_serves_and_drains(volumes):
    built = run(*container(OVERLAY, "archive")["args"], mounts=volumes)
    assert built.returncode == 0, built.stderr
    server = container(OVERLAY, "server")
    environment = [f"--env={entry['name']}={entry['value']}" for entry in server["env"]]
    started = podman(
        *("run", "--detach", *restricted(), *volumes, *environment),
        *(IMAGE, *server["args"]),
    )
    name = started.stdout.strip()
    try:
        until = time.monotonic() + model_config(OVERLAY)["startupTimeout"]
        while not serves(name):
            told = json.loads(podman("inspect", name).stdout)[0]
            assert told["State"]["Running"], podman("logs", name).stdout
            assert time.monotonic() < until, podman("logs", name).stdout
            time.sleep(1)
        podman("stop", "--time=120", name)
        told = json.loads(podman("inspect", name).stdout)[0]
        assert told["State"]["ExitCode"] == 0, podman("logs", name).stdout
        assert "drained in" in podman("logs", name).stdout
    finally:
        podman("rm", "--force", name)
