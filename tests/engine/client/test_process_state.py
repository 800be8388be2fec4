"""Whether a process lives, and is still the same."""

import os
import subprocess
import sys

from molmo2_engine.client.process_state import is_running, runs


def test_a_process_that_ended_does_not_run_though_nobody_has_asked_for_its_status():
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    child.stdout.read()
    while is_running(child.pid):
        pass
    assert child.returncode is None  # a zombie
    assert not runs(child.pid, b"")
    child.communicate()
    assert not is_running(child.pid)
    assert is_running(os.getpid())


def test_a_process_is_known_by_its_command_line():
    command = [sys.executable, "-c", "input()", "worker.py"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        while not runs(child.pid, b"worker.py"):  # until it is more than a fork
            pass
        assert not runs(child.pid, b"another.py")
        child.stdin.close()
