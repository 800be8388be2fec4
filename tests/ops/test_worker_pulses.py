"""Workers that hang are ended, and no other process."""

import os
import signal
import subprocess
import sys
import time

import pytest

from molmo2_contract.run_directory import WORKER_PULSES
from molmo2_ops.worker_pulses import WorkerPulses

SLEEP = "import time; print(flush=True); time.sleep(60)"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / WORKER_PULSES).mkdir()
    return tmp_path / WORKER_PULSES


@pytest.fixture
def worker(folder):
    """A process with the command line of a worker, and the file of its pulse."""
    command = [sys.executable, "-c", SLEEP, "model_service_worker.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        (folder / str(process.pid)).write_text("3.5")
        yield process
        process.kill()


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def killed_after(pulses: WorkerPulses, clock, looks: int) -> int:
    killed = 0
    for _ in range(looks):
        killed += pulses.kill_silent()
        clock(0.5)
    return killed


def test_a_worker_without_a_beat_for_its_patience_is_killed(folder, worker, clock):
    pulses = WorkerPulses(folder.parent)
    assert killed_after(pulses, clock, looks=8) == 0
    assert killed_after(pulses, clock, looks=1) == 1
    assert worker.wait() == -signal.SIGKILL


def test_a_worker_that_beats_is_not(folder, worker, clock):
    pulses = WorkerPulses(folder.parent)
    for _ in range(4):
        assert killed_after(pulses, clock, looks=6) == 0
        os.utime(folder / str(worker.pid))
    assert worker.poll() is None


def test_the_files_of_workers_that_ended_are_removed(folder, worker):
    worker.kill()
    worker.wait()
    assert WorkerPulses(folder.parent).kill_silent() == 0
    assert not list(folder.iterdir())


def test_a_process_that_got_the_number_of_a_worker_is_left_alone(folder, clock):
    (folder / str(os.getpid())).write_text("3.5")
    assert killed_after(WorkerPulses(folder.parent), clock, looks=20) == 0
    assert not list(folder.iterdir())
