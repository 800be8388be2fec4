"""What a lab runs ends with the lab, however that ends."""

import os
import subprocess
import sys
import time

import pytest
from rendering import K8S

from molmo2_ops.worker_processes import is_running

PROCESS = """
import sys, time
from pathlib import Path
from lab.processes import process
with process(["sleep", "600"], Path(sys.argv[1]) / "log") as started:
    print(started.pid, flush=True)
    time.sleep(600)
"""
CONTAINER = """
import sys, time
from pathlib import Path
from lab.container import Container
Container("sleep", ["sh", "-c", "echo $$ && exec sleep 600"], {}, Path(sys.argv[1])).start()
log = Path(sys.argv[1]) / "sleep.log"
while not log.read_text().strip():
    time.sleep(0.01)
print(log.read_text(), end="", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("lab", [PROCESS, CONTAINER], ids=["process", "container"])
def test_a_lab_that_is_killed_leaves_nothing_behind(lab, tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-c", lab, tmp_path],
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
