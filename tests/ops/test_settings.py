"""What the process beside TorchServe can be told."""

import subprocess
import sys

import pytest
from pydantic import ValidationError

from molmo2_ops.settings import OpsSettings


def test_the_ports_of_inference_are_known(tmp_path):
    settings = OpsSettings(
        run_directory=tmp_path, inference="https://localhost:8443", grpc_port=7070
    )
    assert settings.inference_ports == (8443, 7070)


@pytest.mark.parametrize("address", ["http://127.0.0.1", "http://127.0.0.1:http", "127.0.0.1"])
def test_an_inference_address_without_a_port_is_refused_at_the_start(tmp_path, address):
    with pytest.raises(ValidationError, match="inference"):
        OpsSettings(run_directory=tmp_path, inference=address)


def test_looks_must_come_before_what_was_seen_is_old(tmp_path):
    with pytest.raises(ValidationError, match=r"interval .* must be below proof_seconds"):
        OpsSettings(run_directory=tmp_path, interval=30, proof_seconds=30)


def test_on_the_command_line_that_is_one_line(tmp_path):
    arguments = [f"--run-directory={tmp_path}", "--inference=http://127.0.0.1"]
    done = subprocess.run(
        [sys.executable, "-m", "molmo2_ops", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("molmo2-ops: inference: ")
    assert "names no port" in line
