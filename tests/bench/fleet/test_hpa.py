"""The model of the autoscaler does what real ones were seen to do."""

import json
from pathlib import Path

import pytest
from fleet.hpa import Autoscaler, Behavior, Direction, Policy, proposed_by_pods, proposed_by_sum

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.json"))
SECONDS_BETWEEN_RECORDED_LOOKS = 2.5
"""At replicas, which is how exactly a change's time is known."""


def replayed(recording):
    """The changes that the model makes when it is told what the real controller was told."""
    autoscaler = Autoscaler(Behavior.of({"spec": recording}))
    replicas, changes = 1, []
    for look in recording["looks"]:
        values = sorted(look["values"], reverse=True)[:replicas]
        if not values:
            continue
        absent = max(0, replicas - len(values))
        proposed = proposed_by_pods(replicas, values, absent, recording["target"])
        decided = autoscaler.decide(look["at"], replicas, proposed)
        if decided != replicas:
            changes.append((look["at"], replicas, decided))
        replicas = decided
    return changes


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_it_takes_every_step_of_a_real_controller_at_its_time(path):
    """Real HorizontalPodAutoscalers, scaling real processes under real load, 1 → 6 → 1."""
    recording = json.loads(path.read_text())
    ours, theirs = replayed(recording), recording["replicas"]
    assert [step[1:] for step in ours] == [tuple(step[1:]) for step in theirs]
    for (at, *_), (seen, *_) in zip(ours, theirs, strict=True):
        assert abs(seen - at) <= SECONDS_BETWEEN_RECORDED_LOOKS


def autoscaler(up, down, most=100):
    return Autoscaler(Behavior(1, most, Direction(0, up), Direction(60, down)))


def test_a_percentage_and_a_number_of_pods_the_larger_counts():
    scaler = autoscaler([Policy("Percent", 100, 60), Policy("Pods", 4, 60)], [])
    assert scaler.decide(0, 1, 50) == 5
    assert scaler.decide(15, 5, 50) == 5  # of the pod that was there a minute ago
    assert scaler.decide(61, 5, 50) == 10


def test_what_was_wanted_within_the_window_is_kept():
    scaler = autoscaler([Policy("Pods", 10, 15)], [Policy("Pods", 1, 15)])
    assert scaler.decide(0, 5, 5) == 5
    assert scaler.decide(30, 5, 1) == 5
    assert scaler.decide(61, 5, 1) == 4


def test_replicas_stay_within_their_bounds():
    scaler = autoscaler([Policy("Pods", 50, 15)], [Policy("Pods", 50, 15)], most=8)
    assert scaler.decide(0, 4, 100) == 8
    assert scaler.decide(100, 8, 0) == 1


@pytest.mark.parametrize(("total", "wanted"), [(6.8, 10), (7.2, 10), (7.6, 11), (0, 0), (30, 40)])
def test_a_sum_asks_for_the_same_pods_however_many_there_are(total, wanted):
    for current in (10, wanted + 20):
        near = abs(total / (0.75 * current) - 1) <= 0.1
        assert proposed_by_sum(current, total, 0.75) == (current if near else wanted)


def test_pods_without_a_metric_hold_back_both_ways():
    assert proposed_by_pods(4, [8, 8], 2, target=4) == 4  # two more load: wait for them
    assert proposed_by_pods(4, [1, 1], 2, target=4) == 3
