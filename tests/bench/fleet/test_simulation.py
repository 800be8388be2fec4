"""A small fleet for some hours: every request is answered, and signals differ as they should."""

import pytest
import yaml
from fleet.day import DAY, Run, Workload, callers_at, day_of_runs
from fleet.hpa import Behavior
from fleet.pods import Fleet, PodKind
from fleet.signals import gpu_utilisation, in_flight_per_slot, queue_length
from fleet.simulation import simulate
from rendering import K8S

KIND = PodKind(slots=4, queue=4, load=60)
WORKLOAD = Workload(service=10)
SECONDS = 10_800
STEP = [
    Run(0, callers=2, videos=2 * SECONDS // 10),
    Run(1800, callers=40, videos=40 * 3600 // 10),
]
"""Half a pod's work all the time, and ten pods' for an hour of it."""


@pytest.fixture(scope="module")
def behavior():
    manifest = yaml.safe_load((K8S / "components/autoscale-hpa/hpa.yaml").read_text())
    return Behavior.of(manifest, most=30)


@pytest.fixture(scope="module")
def step(behavior):
    """The outcome of each signal on a step of the load."""
    signals = {
        "in flight": in_flight_per_slot(0.75),
        "queue": queue_length(2),
        "gpu": gpu_utilisation(80),
    }
    return {
        name: simulate(WORKLOAD, KIND, STEP, signal, behavior, seed=1, seconds=SECONDS)
        for name, signal in signals.items()
    }


def test_every_request_is_answered_whatever_the_policy(step):
    asked = sum(run.videos for run in STEP)
    assert {outcome.answered for outcome in step.values()} == {asked}


def test_in_flight_follows_the_load_up_and_down(step):
    work = sum(run.videos for run in STEP) * WORKLOAD.service / KIND.slots / 3600
    assert 13 <= step["in flight"].most <= 17  # ten pods' work at three quarters, and what drains
    assert work < step["in flight"].gpu_hours < 1.6 * work


def test_gpu_utilisation_hardly_gives_anything_back(step):
    assert step["gpu"].gpu_hours > 1.3 * step["in flight"].gpu_hours


def test_a_queue_is_seen_when_it_is_too_late(step):
    assert step["queue"].p95 > step["in flight"].p95
    assert step["queue"].stretch > step["in flight"].stretch


def fleet_with(callers, replicas=1):
    """A fleet that one run has just begun to ask, once with each of its callers."""
    fleet = Fleet(KIND, WORKLOAD, replicas, seed=1)
    run = Run(0, callers, videos=callers)
    fleet.second(0, [run])
    return fleet, run


def test_a_pod_that_leaves_answers_what_it_has():
    fleet, run = fleet_with(callers=16, replicas=2)
    fleet.scale(1, 1)
    for now in range(1, 200):
        fleet.second(now)
    assert len(fleet.latencies) == 16
    assert run.ended == max(fleet.latencies)
    assert len(fleet.pods) == 1
    assert fleet.gpu_seconds < 2 * 200  # and then it costs nothing


def test_a_pod_that_loads_costs_and_does_nothing():
    fleet = Fleet(KIND, WORKLOAD, replicas=1, seed=1)
    fleet.scale(0, 2)
    assert len(fleet.ready(KIND.load - 1)) == 1
    assert len(fleet.ready(KIND.load)) == 2


def test_refused_callers_come_back_until_they_are_answered():
    fleet, _ = fleet_with(callers=40)
    assert fleet.refusals == 40 - KIND.slots - KIND.queue
    for now in range(1, 1000):
        fleet.second(now)
    assert len(fleet.latencies) == 40


def test_a_run_keeps_its_callers_busy_and_asks_each_video_once():
    fleet = Fleet(KIND, WORKLOAD, replicas=2, seed=1)
    run = Run(0, callers=6, videos=50)
    fleet.second(0, [run])
    for now in range(1, 40):
        fleet.second(now)
        assert sum(pod.in_flight for pod in fleet.pods) == 6
    for now in range(40, 400):
        fleet.second(now)
    assert len(fleet.latencies) == 50
    assert run.ended is not None


def test_a_day_has_its_runs_and_its_night():
    workload = Workload()
    runs = day_of_runs(workload, seed=1)
    callers = callers_at(runs, workload)
    assert sum(callers[12 * 3600 : 16 * 3600]) > 3 * sum(callers[0 : 4 * 3600])
    assert all(0 <= run.start < DAY for run in runs)
    asked = sum(run.videos for run in runs)
    assert sum(callers) == pytest.approx(asked * workload.service, rel=0.01)
    again = [(run.start, run.callers) for run in day_of_runs(workload, seed=1)]
    assert again == [(run.start, run.callers) for run in runs]
