"""Workers that are lost are given back, over a management API that may fail."""

import os
import subprocess
import sys
import time

import pytest
from prometheus_client import CollectorRegistry

from molmo2_ops.engines import Engines
from molmo2_ops.management import Management
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.wanted_workers import WantedWorkers
from molmo2_ops.watchdog import Watchdog
from molmo2_ops.worker_processes import WorkerCount
from molmo2_ops.worker_pulses import WorkerPulses

PATIENCE, RETRY_SECONDS = 2.0, 90.0


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so."""
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


@pytest.fixture
def gone():
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    return process.pid


class Watch:
    """The watchdog, and how a server looks to it."""

    def __init__(self, api, folder):
        self._management = Management(api.url, folder / "key_file.json")
        self._registry = CollectorRegistry()
        self.wanted = WantedWorkers(folder, lambda: "1 since 100")
        self._watchdog = Watchdog(
            self._management,
            Engines(folder),
            WorkerPulses(folder),
            self.wanted,
            self._registry,
            patience=PATIENCE,
            retry_seconds=RETRY_SECONDS,
        )

    def look(self):
        listed = self._management.models()
        models = (ModelState(each, WorkerCount.of(each), running=0) for each in listed)
        self._watchdog.heal(Observation(True, tuple(models)))

    def heals(self, fault):
        return self._registry.get_sample_value("molmo2_heals_total", {"fault": fault})

    def close(self):
        self._management.close()


@pytest.fixture
def watch(api, tmp_path):
    watch = Watch(api, tmp_path)
    yield watch
    watch.close()


def look_for(watch, clock, seconds):
    for _ in range(int(seconds)):
        watch.look()
        clock(1)
    watch.look()


def test_nothing_is_asked_for_while_all_are_there(api, watch, clock, alive):
    api.workers = [("9000", alive, "READY"), ("9001", alive, "READY")]
    look_for(watch, clock, 2 * RETRY_SECONDS)
    assert api.asked == []


def test_as_many_are_started_as_are_lost_and_each_loss_is_told_once(
    api, watch, clock, alive, gone, caplog
):
    api.workers = [("9000", alive, "READY"), ("9001", gone, "READY")]
    look_for(watch, clock, PATIENCE)
    assert api.asked == [3]
    api.workers.append(("9002", gone, "READY"))
    look_for(watch, clock, PATIENCE + 1)
    assert api.asked == [3, 4]
    assert watch.wanted.of("m/1.0") == 2
    assert watch.heals("worker_lost") == 2
    assert caplog.text.count("m has lost 1 workers") == 2


def test_a_number_that_another_process_got_hides_no_loss(api, watch, clock, alive):
    api.workers = [("9000", alive, "READY"), ("9001", os.getpid(), "READY")]
    look_for(watch, clock, PATIENCE)
    assert api.asked == [3]


def test_a_model_without_workers_is_scaled_anew(api, watch, clock, gone):
    api.workers = [("9000", gone, "UNLOADING"), ("9001", gone, "UNLOADING")]
    look_for(watch, clock, RETRY_SECONDS - 1)
    assert api.asked == []
    look_for(watch, clock, 1)
    assert api.asked == [0, 2]
    assert watch.heals("retries_exhausted") == 1


@pytest.mark.parametrize("done", [False, True])
def test_when_the_second_call_fails_it_is_made_again(api, watch, clock, gone, done):
    api.workers = [("9000", gone, "UNLOADING"), ("9001", gone, "UNLOADING")]
    look_for(watch, clock, RETRY_SECONDS - 1)
    answers, scale = iter([True, False]), api.scale

    def scaled(workers):
        api.losing = [] if next(answers, True) else [done]
        api.workers = []
        return scale(workers)

    api.scale = scaled
    look_for(watch, clock, PATIENCE + 2)
    assert watch.wanted.of("m/1.0") == 2
    assert api.min_workers == 2
    assert api.asked[:3] == [0, 2, 2]


@pytest.mark.parametrize("done", [False, True])
def test_a_call_whose_answer_is_lost_is_nobody_elses_wish(api, watch, clock, alive, gone, done):
    api.workers = [("9000", alive, "READY"), ("9001", gone, "READY")]
    api.losing = [done]
    look_for(watch, clock, PATIENCE + 1)
    assert watch.wanted.of("m/1.0") == 2
    assert api.min_workers == 3


def test_one_that_torchserve_has_given_up_is_replaced_beside_those_that_work(
    api, watch, clock, alive, gone
):
    api.workers = [("9000", alive, "READY"), ("9001", gone, "UNLOADING")]
    look_for(watch, clock, RETRY_SECONDS - 1)
    assert api.asked == []
    look_for(watch, clock, PATIENCE + 1)
    assert api.asked == [3]
    assert watch.heals("retries_exhausted") == 1
    assert watch.wanted.of("m/1.0") == 2
    api.workers.append(("9002", alive, "READY"))
    look_for(watch, clock, RETRY_SECONDS)
    assert api.asked == [3]


def test_workers_that_are_started_again_in_turn_are_not_given_up(api, watch, clock, alive, gone):
    for number in range(4):
        state = [("9000", alive, "READY"), ("9001", gone, "UNLOADING")]
        api.workers = state if number % 2 else [("9001", alive, "READY"), ("9000", gone, "STOPPED")]
        look_for(watch, clock, RETRY_SECONDS - 10)
    assert api.asked == []


def test_a_model_that_is_to_have_none_is_left_alone(api, watch, clock):
    api.min_workers = 0
    look_for(watch, clock, RETRY_SECONDS + 5)
    assert api.asked == []


def test_workers_that_torchserve_brings_back_after_all_are_not_kept_beside_the_new_ones(
    api, watch, clock, alive, gone
):
    api.workers = [("9000", alive, "READY"), ("9001", gone, "READY")]
    look_for(watch, clock, PATIENCE)
    assert api.asked == [3]
    api.workers = [(name, alive, "READY") for name in ("9000", "9001", "9002")]
    look_for(watch, clock, RETRY_SECONDS - 1)
    assert api.asked == [3]
    look_for(watch, clock, 2)
    assert api.asked == [3, 2]
    assert watch.wanted.of("m/1.0") == 2
