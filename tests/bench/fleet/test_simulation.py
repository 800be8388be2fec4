"""A small fleet for some hours: every request is answered, and signals differ as they should."""

import pytest
import yaml
from fleet.day import Workload, arrivals, rates
from fleet.hpa import Behavior
from fleet.pods import Fleet, PodKind
from fleet.signals import gpu_utilisation, in_flight_per_slot, queue_length
from fleet.simulation import simulate
from rendering import K8S

KIND = PodKind(slots=4, queue=4, load=60)
WORKLOAD = Workload(service=10)
STEP = [*[0.2] * 1800, *[4.0] * 3600, *[0.2] * 5400]
"""Requests a second: half a pod, ten pods, half a pod."""


@pytest.fixture(scope="module")
def behavior():
    manifest = yaml.safe_load((K8S / "components/autoscale-hpa/hpa.yaml").read_text())
    return Behavior.of(manifest, most=30)


@pytest.fixture(scope="module")
def step(behavior):
    """The outcome of each signal on a step of the load."""
    asked = arrivals(STEP, seed=1) + [0] * 600
    signals = {
        "in flight": in_flight_per_slot(0.75),
        "queue": queue_length(2),
        "gpu": gpu_utilisation(80),
    }
    return asked, {
        name: simulate(WORKLOAD, KIND, asked, signal, behavior, seed=1)
        for name, signal in signals.items()
    }


def test_every_request_is_answered_whatever_the_policy(step):
    asked, outcomes = step
    assert {outcome.answered for outcome in outcomes.values()} == {sum(asked)}


def test_in_flight_follows_the_load_up_and_down(step):
    _, outcomes = step
    needed = sum(STEP) * WORKLOAD.service / KIND.slots / 3600
    assert outcomes["in flight"].most >= 13  # ten pods' work at three quarters
    assert needed < outcomes["in flight"].gpu_hours < 2.4 * needed


def test_gpu_utilisation_hardly_gives_anything_back(step):
    _, outcomes = step
    assert outcomes["gpu"].gpu_hours > 1.3 * outcomes["in flight"].gpu_hours


def test_a_queue_is_seen_when_it_is_too_late(step):
    _, outcomes = step
    assert outcomes["queue"].p95 > outcomes["in flight"].p95


def test_a_pod_that_leaves_answers_what_it_has():
    fleet = Fleet(KIND, WORKLOAD, replicas=2, seed=1)
    fleet.second(0, 16)
    fleet.scale(1, 1)
    for now in range(1, 200):
        fleet.second(now, 0)
    assert len(fleet.latencies) == 16
    assert len(fleet.pods) == 1
    assert fleet.gpu_seconds < 2 * 200  # and then it costs nothing


def test_a_pod_that_loads_costs_and_does_nothing():
    fleet = Fleet(KIND, WORKLOAD, replicas=1, seed=1)
    fleet.scale(0, 2)
    assert len(fleet.ready(KIND.load - 1)) == 1
    assert len(fleet.ready(KIND.load)) == 2


def test_refused_callers_come_back_until_they_are_answered():
    fleet = Fleet(KIND, WORKLOAD, replicas=1, seed=1)
    fleet.second(0, 40)
    assert fleet.refusals == 40 - KIND.slots - KIND.queue
    for now in range(1, 1000):
        fleet.second(now, 0)
    assert len(fleet.latencies) == 40


def test_a_day_has_its_runs_and_its_night():
    workload = Workload()
    day = rates(workload, seed=1)
    assert sum(day[12 * 3600 : 16 * 3600]) > 3 * sum(day[0 : 4 * 3600])
    asked = arrivals(day, seed=1)
    assert sum(asked) == pytest.approx(sum(day), rel=0.01)
    assert rates(workload, seed=1) == day != rates(workload, seed=2)
