"""What becomes of an engine that is lost, with small processes in the engine's place."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

ENGINE = """
import os, signal, sys, time
from pathlib import Path
from molmo2_engine.supervisor import Supervisor
wanted, fork, does = (Path(sys.argv[1]).exists, sys.argv[2] == "may fork", sys.argv[3])
served = Supervisor(wanted, fork).become_engine()
if does == "fails":
    sys.exit(3)
if does == "serves":
    served()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print(os.getpid(), flush=True)
while True:  # a signal just before a long sleep would wait for its end
    time.sleep(0.1)
"""


class Supervised:
    """The first process, and the engines that it says it has."""

    def __init__(self, *arguments: object) -> None:
        self.first = subprocess.Popen(
            [sys.executable, "-c", ENGINE, *map(str, arguments)], stdout=subprocess.PIPE
        )

    def next_engine(self) -> int:
        return int(self.first.stdout.readline())

    def end(self) -> None:
        for process in (*psutil.Process(self.first.pid).children(), self.first):
            process.kill()
        self.first.wait()


@pytest.fixture
def start(tmp_path) -> Iterator:
    started: list[Supervised] = []
    (tmp_path / "wanted").touch()

    def start(does: str, fork: str = "may fork") -> Supervised:
        started.append(Supervised(tmp_path / "wanted", fork, does))
        return started[-1]

    yield start
    for each in started:
        if each.first.poll() is None:
            each.end()
        each.first.stdout.close()


def test_an_engine_that_is_killed_is_replaced_by_the_process_that_it_came_from(start):
    engine = start("serves")
    first = engine.next_engine()
    os.kill(first, signal.SIGKILL)
    second = engine.next_engine()
    os.kill(second, signal.SIGKILL)
    third = engine.next_engine()
    assert len({first, second, third, engine.first.pid}) == 4
    assert psutil.Process(third).ppid() == engine.first.pid
    assert not psutil.pid_exists(first)


def test_one_that_never_served_is_not_tried_again(start):
    engine = start("fails")
    assert engine.first.wait(30) == 3
    engine = start("loads")
    os.kill(engine.next_engine(), signal.SIGKILL)
    assert engine.first.wait(30) == 128 + signal.SIGKILL


def test_one_that_ends_by_itself_is_not_replaced(start):
    engine = start("serves")
    os.kill(engine.next_engine(), signal.SIGTERM)
    assert engine.first.wait(30) == 0


def test_one_whose_host_has_gone_is_not_replaced(start, tmp_path):
    engine = start("serves")
    pid = engine.next_engine()
    (tmp_path / "wanted").unlink()
    os.kill(pid, signal.SIGKILL)
    assert engine.first.wait(30) == 128 + signal.SIGKILL


def test_who_stops_the_first_process_stops_the_engine(start):
    engine = start("serves")
    pid = engine.next_engine()
    engine.first.terminate()
    assert engine.first.wait(30) == 0
    assert not psutil.pid_exists(pid)


def test_an_engine_serves_on_when_the_first_process_is_killed(start):
    engine = start("serves")
    pid = engine.next_engine()
    engine.first.kill()
    engine.first.wait(30)
    assert psutil.pid_exists(pid)
    os.kill(pid, signal.SIGKILL)


def test_where_a_fork_cannot_use_the_device_the_first_process_is_the_engine(start):
    engine = start("serves", "may not fork")
    assert engine.next_engine() == engine.first.pid
    engine.first.terminate()
    assert engine.first.wait(30) == 0
