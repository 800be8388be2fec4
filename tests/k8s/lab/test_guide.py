"""What the guide has one type, typed to a real API server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rendering import K8S

from molmo2_demo.generate import generate

pytestmark = pytest.mark.slow

ELSEWHERE = ("apply -k", "logs -f", "port-forward", "rollout", "wait --for")
"""Overlays have their own test, in the words of a server so old; the others need pods."""


def commands():
    """All of kubectl's in the guide, with the line that makes a token, in order."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (K8S / "README.md").read_text(), re.M | re.S)
    lines = "".join(text for language, text in blocks if not language).replace("\\\n", " ")
    return [line for line in lines.splitlines() if re.match("kubectl|TOKEN=", line)]


def test_everything_that_is_created_by_hand_is_created(plane, tmp_path):
    typed = [line for line in commands() if not any(word in line for word in ELSEWHERE)]
    assert len(typed) > 5
    (tmp_path / "k8s").symlink_to(K8S)
    (tmp_path / "videos.txt").write_text("/data/shapes/0001.mp4\n")
    for name in ("tls.crt", "tls.key", "ca.crt"):
        (tmp_path / name).write_text(name)
    generate(tmp_path / "run" / "demo" / "videos", 1, seed=0)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "KUBECONFIG": str(plane.kubeconfig)}
    script = "\n".join(["set -euo pipefail", *typed])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    for path in (
        "/apis/batch/v1/namespaces/molmo2/jobs/label-shapes",
        "/apis/batch/v1/namespaces/molmo2/jobs/label-demo",
        "/apis/apps/v1/namespaces/molmo2/statefulsets/mongodb",
        "/api/v1/namespaces/molmo2/secrets/molmo2-tls",
        "/api/v1/namespaces/molmo2/secrets/molmo2-weights-credentials",
        "/api/v1/namespaces/molmo2/configmaps/molmo2-videos",
        "/api/v1/namespaces/molmo2/configmaps/molmo2-demo-videos",
    ):
        assert plane.api.get(path)["metadata"]["namespace"] == "molmo2"
    tokens = plane.api.get("/api/v1/namespaces/molmo2/secrets/molmo2-tokens")["data"]
    assert tokens.keys() == {"token", "tokens.conf"}
