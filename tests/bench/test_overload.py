"""Callers of an overload ask on, those who are refused after a pause; and what is told of them."""

import threading
import time

import pytest
from overload import REFUSED_WAIT, Overload, load, p95


def test_accepted_and_refused_requests_are_kept_apart_and_callers_are_as_many_as_said():
    places = threading.Semaphore(2)
    most = threading.Semaphore(6)

    def request() -> str:
        assert most.acquire(blocking=False), "more callers than were asked for"
        try:
            if not places.acquire(blocking=False):
                return "overloaded"
            time.sleep(0.02)
            places.release()
            return "answered"
        finally:
            most.release()

    taken = load(request, callers=6, seconds=0.4)
    assert min(taken["answered"]) >= 0.02
    assert max(taken["overloaded"]) < 0.02
    assert len(taken["overloaded"]) <= 6 * (0.4 / REFUSED_WAIT + 1)


def test_the_ratio_is_of_the_accepted_alone():
    alone, accepted = [0.1] * 40, [0.15] * 40
    seen = Overload(alone, accepted, refused=[9.0] * 40)
    assert seen.p95_ratio == pytest.approx(1.5)
    assert "longest 9000 ms; ratio of p95 1.50" in str(seen)


def test_p95_is_beyond_nineteen_of_twenty():
    assert 0.94 < p95([number / 1000 for number in range(1000)]) < 0.96
