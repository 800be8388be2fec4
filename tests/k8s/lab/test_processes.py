"""What a lab runs ends with the lab, however that ends."""

import os
import subprocess
import sys
import time

import pytest
from rendering import K8S

from molmo2_engine.client.process_state import is_running

PROCESS = """
from lab.processes import process
with process(COMMAND, LOG):
    tell()
"""
CONTAINER = """
from lab.container import Container
Container(LOG.stem, COMMAND, {}, LOG.parent).start()
tell()
"""
LAB = """
import sys, time
from pathlib import Path

LOG = Path(sys.argv[1]) / "program.log"
COMMAND = ["sh", "-c", "echo $$ && exec sleep 600"]

def tell():
    while not (LOG.is_file() and LOG.read_text().strip()):
        time.sleep(0.01)
    print(LOG.read_text(), end="", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("starts", [PROCESS, CONTAINER], ids=["process", "container"])
def test_a_lab_that_is_killed_leaves_nothing_behind(starts, tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-c", LAB + starts, tmp_path],
        env={**os.environ, "PYTHONPATH": str(K8S)},
        stdout=subprocess.PIPE,
    )
    child = int(running.stdout.readline())
    assert is_running(child)
    running.kill()
    running.communicate()
    until = time.monotonic() + 20
    while is_running(child):
        assert time.monotonic() < until
        time.sleep(0.02)
