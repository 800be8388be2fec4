"""The labelling Job: valid, restricted, let in, and a command that exists."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rendering import K8S, of_kind, pod

from schemas import check, kubernetes_versions


@pytest.fixture(scope="module")
def job():
    return yaml.safe_load((K8S / "examples" / "label-job.yaml").read_text())


def test_it_is_valid(job):
    for version in kubernetes_versions():
        check(job, version)


def test_it_may_run_in_the_namespace_as_servers_do(job):
    (server,) = pod("gpu")[1]["containers"]
    spec = job["spec"]["template"]["spec"]
    (one,) = spec["containers"]
    assert one["securityContext"] == server["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["enableServiceLinks"] is False


def test_servers_let_it_in(job):
    labels = job["spec"]["template"]["metadata"]["labels"]
    (callers,) = (
        policy
        for policy in of_kind("gpu", "NetworkPolicy")
        if policy["metadata"]["name"] == "molmo2-callers"
    )
    first, *_ = callers["spec"]["ingress"][0]["from"]
    assert first["podSelector"]["matchLabels"].items() <= labels.items()


def test_its_command_takes_its_options(job):
    (one,) = job["spec"]["template"]["spec"]["containers"]
    _, command, *arguments = one["args"]
    options = [argument.partition("=")[0] for argument in arguments if argument.startswith("--")]
    molmo2 = Path(sys.executable).with_name("molmo2")
    told = subprocess.run(
        [molmo2, command, "--help"],
        capture_output=True,
        text=True,
        env={"COLUMNS": "300", "NO_COLOR": "1"},
    )
    assert told.returncode == 0, told.stderr
    assert all(option in told.stdout for option in options), options
