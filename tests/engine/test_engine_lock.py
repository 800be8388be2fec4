"""By what an engine is known to live, and when it no longer counts as living."""

import fcntl
import os
import subprocess
import sys
import threading
import time

import pytest

from molmo2_engine.client.engine_lock import EngineLock, EngineTaken
from molmo2_engine.client.silence import Silence

HOLD = """
import sys, time
from pathlib import Path
from molmo2_engine.client.engine_lock import EngineLock
with EngineLock(Path(sys.argv[1].removeprefix("--socket="))).held(5.0):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def lock(tmp_path):
    return EngineLock(tmp_path / "engine-cpu-1.sock")


@pytest.fixture
def engine(lock):
    """A process that holds the lock, with the command line of an engine."""
    command = [sys.executable, "-c", HOLD, f"--socket={lock.socket}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_one_process_holds_it_and_says_who_it_is(lock, engine):
    assert not lock.is_free
    assert (lock.holder().process, lock.holder().patience) == (engine.pid, 5.0)
    with pytest.raises(EngineTaken), lock.held(5.0):
        pass


def test_it_ends_with_its_process_however_that_ends(lock, engine):
    engine.kill()
    engine.wait()
    assert lock.is_free
    assert lock.holder() is None
    with lock.held(1.0):
        assert lock.holder().process == os.getpid()


def test_an_onlooker_does_not_keep_an_engine_from_its_lock(lock):
    with lock.path.open("a") as onlooker:
        fcntl.flock(onlooker, fcntl.LOCK_EX)
        threading.Timer(0.1, fcntl.flock, (onlooker, fcntl.LOCK_UN)).start()
        with lock.held(1.0):
            assert not lock.is_free


def test_the_locks_of_a_run_directory_are_found(lock, tmp_path):
    assert EngineLock.all_in(tmp_path) == []
    with lock.held(1.0):
        assert [found.socket for found in EngineLock.all_in(tmp_path)] == [lock.socket]


def test_an_engine_without_a_beat_for_its_patience_is_silent(lock, clock):
    with lock.held(5.0):
        silence = Silence(lock)
        for _ in range(4):
            assert silence.look() is None
            clock(1.5)
        assert silence.look().process == os.getpid()


def test_a_beat_begins_the_wait_anew(lock, clock):
    with lock.held(5.0):
        silence = Silence(lock)
        for _ in range(8):
            assert silence.look() is None
            clock(1.5)
            lock.beat()


def test_a_machine_that_slept_does_not_make_an_engine_silent(lock, clock):
    with lock.held(5.0):
        silence = Silence(lock)
        silence.look()
        clock(3600)
        assert silence.look() is None


def test_only_the_engine_of_this_socket_is_killed(lock, engine, tmp_path):
    with EngineLock(tmp_path / "other.sock").held(5.0):
        other = EngineLock(tmp_path / "other.sock")
        assert not other.kill(other.holder())  # that is this process, which is no engine
    assert lock.kill(lock.holder())
    assert engine.wait() == -9
