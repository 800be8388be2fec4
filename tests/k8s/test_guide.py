"""The guide of k8s/README.md, done as it says."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from rendering import K8S, ROOT, of_kind, option, the

from schemas import check, kubernetes_versions

GUIDE = (K8S / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
COMMANDS = "\n".join(text for language, text in BLOCKS if not language)


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The copy of an overlay that the guide has one make, as the API server would get it."""
    root = tmp_path_factory.mktemp("guide")
    for part in ("k8s", "ops/gateway"):
        shutil.copytree(ROOT / part, root / part)
    (said,) = (text for language, text in BLOCKS if language == "yaml")
    source, copy = re.search(r"Copy `(\S+)` to `(\S+)`", GUIDE).groups()
    shutil.copytree(root / "k8s" / source, root / "k8s" / copy)
    with (root / "k8s" / copy / "kustomization.yaml").open("a") as file:
        file.write(said.replace("<commit>", "0123abc").replace("<registry>", "registry.local"))
    assert f"\nkubectl apply -k k8s/{copy}\n" in COMMANDS
    command = [Path(sys.executable).with_name("kubectl"), "kustomize", root / "k8s" / copy]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def pods_of(name):
    return yaml.safe_load((K8S / "examples" / name).read_text())["spec"]["template"]


@pytest.fixture(scope="module", params=["label-job.yaml", "demo-job.yaml"])
def any_job(request):
    return pods_of(request.param)


@pytest.fixture(scope="module")
def job():
    return pods_of("label-job.yaml")


def configured(mine):
    """What its ConfigMaps say, by names of variables."""
    maps = [thing["data"] for thing in mine if thing["kind"] == "ConfigMap"]
    return {name: value for data in maps for name, value in data.items()}


def test_what_clusters_need_first_is_installed_in_one_version_each():
    installed = re.findall(r"^helm install (?:.|\\\n)*", COMMANDS, re.MULTILINE)
    assert len(installed) == 3
    assert all(re.search(r" --version v?\d+\.\d+\.\d+ ", line) for line in installed)


def test_ones_own_overlay_is_valid_and_has_what_was_said(mine):
    for version in kubernetes_versions():
        for thing in mine:
            check(thing, version)
    assert configured(mine)["REVISION"] == "0123abc"
    text = yaml.safe_dump_all(mine)
    assert "registry.local/molmo2-torchserve" in text
    assert "registry.example.com" not in text


def test_the_job_asks_for_the_model_that_is_served_about_videos_that_may_be_fetched(mine, job):
    (label,) = job["spec"]["containers"]
    environment = {one["name"]: one.get("value") for one in label["env"]}
    said = configured(mine)
    assert environment["MOLMO2_MODEL"] == said["NAME"]
    folder, _, address = option(label["args"], "map-prefix").partition("=")
    assert f'"{urlsplit(address).hostname}"' in said["MOLMO2_HANDLER_VIDEO__ALLOWED_HOSTS"]
    assert f"`{folder}/" in GUIDE


def test_the_demos_job_asks_for_the_demos_model_about_videos_that_it_sends():
    (label,) = pods_of("demo-job.yaml")["spec"]["containers"]
    environment = {one["name"]: one.get("value") for one in label["env"]}
    assert (
        environment["MOLMO2_MODEL"] == the("demo-cpu", "ConfigMap", "molmo2-model")["data"]["NAME"]
    )
    assert option(label["args"], "media") == "upload"
    assert not of_kind("demo-cpu", "PodMonitor", "PersistentVolumeClaim", "ScaledObject")


def test_nobodys_log_is_read_before_it_is_there():
    for name in re.findall(r"logs -f (\S+)", COMMANDS):
        before, _, after = COMMANDS.partition(f"logs -f {name}")
        assert re.search(rf"wait \S+ {name} ", before)
        assert re.search(rf"wait --for=condition=Complete {name} ", after)


def test_a_job_finds_what_the_guide_has_made(any_job):
    spec = any_job["spec"]
    maps = {volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume}
    assert maps <= set(re.findall(r"create configmap (\S+)", COMMANDS))
    secret = spec["containers"][0]["env"][2]["valueFrom"]["secretKeyRef"]
    made = re.search(rf"create secret generic {secret['name']} \\\n(.*)", COMMANDS)
    assert f"--from-literal={secret['key']}=" in made[1]
    images = {one["image"] for one in [*spec["initContainers"], *spec["containers"]]}
    assert images <= set(re.findall(r"podman push (\S+)", COMMANDS))


def test_every_file_that_a_command_names_is_there():
    named = set(re.findall(r"\bk8s/[\w./-]+", COMMANDS)) - {"k8s/overlays/mine"}
    assert len(named) >= 4
    for path in named:
        assert (ROOT / path).exists(), path
