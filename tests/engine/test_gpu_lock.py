"""One engine a GPU, unless all of them say that they share it; with real processes."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from molmo2_engine.gpu_lock import GpuLock, GpuTaken

UUID = "GPU-5f6a"
HOLD = """
import sys
from pathlib import Path
from molmo2_engine.gpu_lock import GpuLock
with GpuLock(sys.argv[1], Path(sys.argv[2])).held(sys.argv[3] == "shared"):
    print("held", flush=True)
    sys.stdin.read()
"""

Hold = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def hold(tmp_path) -> Iterator[Hold]:
    """Starts a process that holds the lock, with the command line of an engine."""
    started = []

    def hold(how: str, name: str = "first", uuid: str = UUID) -> "subprocess.Popen[bytes]":
        said = [f"--checkpoint=/weights/{name}", f"--socket=/run/{name}.sock"]
        command = [sys.executable, "-c", HOLD, uuid, str(tmp_path), how, *said]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def lock(tmp_path) -> GpuLock:
    return GpuLock(UUID, tmp_path)


def test_a_second_engine_is_refused_and_told_who_holds_the_gpu_and_what_to_do(lock, hold):
    first = hold("alone")
    with pytest.raises(GpuTaken) as refused, lock.held(shared=False, patience=0):
        pass
    told = str(refused.value)
    assert f"GPU {UUID} is held by process {first.pid} --checkpoint=/weights/first" in told
    assert "share_gpu: true" in told
    assert "deviceIds" in told


def test_one_that_would_share_cannot_join_one_that_does_not(lock, hold):
    hold("alone")
    with pytest.raises(GpuTaken), lock.held(shared=True, patience=0):
        pass


def test_engines_that_share_hold_it_together_and_keep_the_others_away(lock, hold):
    pids = [hold("shared", "first").pid, hold("shared", "second").pid]
    with lock.held(shared=True, patience=0):
        pass
    with pytest.raises(GpuTaken) as refused, lock.held(shared=False, patience=0):
        pass
    assert all(f"process {pid} " in str(refused.value) for pid in pids)


def test_another_gpu_is_free(lock, hold):
    hold("alone", uuid="GPU-0b1c")
    with lock.held(shared=False, patience=0):
        pass


def test_the_gpu_is_free_when_its_engine_is_killed(lock, hold):
    hold("alone").kill()
    with lock.held(shared=False):
        pass


def test_other_users_may_lock_the_file_whoever_made_it(lock):
    mask = os.umask(0o077)
    try:
        with lock.held(shared=False, patience=0):
            assert stat.S_IMODE(lock.path.stat().st_mode) == 0o644
    finally:
        os.umask(mask)
