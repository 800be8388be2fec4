"""Work that goes on after a failure, and is missed when it does not."""

import threading
import time

import pytest
from prometheus_client import CollectorRegistry

from molmo2_ops.torchserve_process import NotWatchable
from molmo2_ops.turns import Turns


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def turns(registry):
    return Turns(registry)


@pytest.fixture
def clock(monkeypatch):
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_a_turn_that_fails_is_counted_and_the_next_is_taken(turns, registry, caplog):
    over, times = threading.Event(), []

    def work():
        times.append(len(times))
        if len(times) == 3:
            over.set()
        raise ValueError("no")

    turns.keep("canaries", work, 0.001, over)
    assert over.wait(30)
    for thread in threading.enumerate():
        if thread.name == "canaries":
            thread.join()
    assert times == [0, 1, 2]
    failures = registry.get_sample_value("molmo2_watch_failures_total", {"task": "canaries"})
    assert failures == 3
    assert "ValueError: no" in caplog.text


def test_a_task_that_ends_no_turn_well_is_overdue(turns, clock):
    with turns.turn("looks"):
        pass
    clock(31)
    assert turns.overdue(40) is None
    with turns.turn("looks"):
        raise ValueError("no")
    clock(10)
    assert turns.overdue(40) == "the server was not watched: no turn of looks for 41 s"
    with turns.turn("looks"):
        pass
    assert turns.overdue(40) is None


def test_a_task_that_hangs_is_overdue(turns, clock):
    begun, go, over = threading.Event(), threading.Event(), threading.Event()

    def hang():
        begun.set()
        go.wait()
        over.set()

    turns.keep("heartbeats", hang, 0.001, over)
    assert begun.wait(30)
    clock(41)
    assert "no turn of heartbeats" in turns.overdue(40)
    go.set()


def test_one_that_is_over_is_not_waited_for(turns, clock):
    with turns.turn("looks"):
        pass
    turns.over("looks")
    clock(100)
    assert turns.overdue(40) is None


def test_a_server_that_cannot_be_watched_ends_the_watching(turns):
    with pytest.raises(NotWatchable), turns.turn("looks"):
        raise NotWatchable("it cannot")
