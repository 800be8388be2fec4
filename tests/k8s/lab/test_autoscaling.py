"""Real controllers scale real servers, and no caller notices.

RECORDING=<file> keeps what was seen for the tests of the autoscaler's model.
"""

import collections
import json
import os
import time
from pathlib import Path

import pytest
from lab.cluster import cluster
from lab.control_plane import PROGRAMS
from lab.deployed import objects, slots, target
from lab.recording import recording
from lab.story import rolling_update, steps_of_load

pytestmark = pytest.mark.slow

SECONDS_TO_DECIDE = 90
"""From a step of the load to the right number of replicas."""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What happened to a cluster whose load rose and fell, and that was rolled out under load."""
    if not (PROGRAMS / "kube-controller-manager").exists():
        pytest.skip("there is no API server: make k8s-lab")
    # Sockets are in its folders, and their paths may not be long.
    folder = Path(tmp_path_factory.mktemp("lab", numbered=True))
    share = slots(objects(0)) * target(objects(0))
    with cluster(folder) as running:
        steps = steps_of_load(running, share)
        scaled = time.time()
        rollout = rolling_update(running, share)
        running.callers.leave()
        seen = recording(running, steps, scaled)
        seen["rollout"] = [rollout.began - steps[0].at, rollout.ended - steps[0].at]
        seen["rolled_out"] = rollout.complete
    if "RECORDING" in os.environ:
        Path(os.environ["RECORDING"]).write_text(json.dumps(seen) + "\n")
    return seen


def wanted_at(told, at):
    changes = [(float("-inf"), 0, 1), *told["replicas"]]
    return [after for when, _, after in changes if when <= at][-1]


@pytest.mark.parametrize(("step", "pods"), [(1, 6), (2, 1)])
def test_the_right_number_is_decided_in_time(told, step, pods):
    began, callers = told["callers"][step]
    due = began + SECONDS_TO_DECIDE
    decided = max(at for at, *_ in told["replicas"] if at <= due) - began
    print(f"{callers} callers: {pods} replicas after {decided:.0f} s")
    assert decided > 0
    assert wanted_at(told, due) == pods


def test_never_less_than_the_load_takes_is_decided_before_it_falls(told):
    due, fell = told["callers"][1][0] + SECONDS_TO_DECIDE, told["fell"]
    later = [after for at, _, after in told["replicas"] if due < at < fell]
    print(f"then up to {max(later, default=6)}")
    assert min(later, default=6) >= 6


def test_pods_that_came_get_their_share_of_callers_who_were_there_before(told):
    """Connections end by age, and each new one goes to the next pod; half a share is one."""
    came = next(at for at, number in told["ready"] if number == 6)
    looks = [look for look in told["looks"] if came < look["at"] <= told["fell"]]
    share = told["callers"][1][1] / 6 / slots(objects(0))
    least = {look["at"] - came: min(look["values"]) / share for look in looks}
    print(f"the least busy of six pods has {max(least.values()):.2f} of its share at best")
    assert max(least.values()) >= 0.5


def test_a_load_that_one_pod_takes_asks_for_no_other(told):
    (_, first), (second, _), _ = told["callers"]
    assert first > 0
    assert wanted_at(told, second) == 1


def test_no_request_failed(told):
    failed = [error for _, _, error, _ in told["requests"] if error]
    again = collections.Counter(cause for *_, causes in told["requests"] for cause in causes)
    print(f"{len(told['requests'])} requests, {len(failed)} failed; tried again for {dict(again)}")
    assert len(told["requests"]) > 100
    assert not failed


def test_answers_outlasted_the_sigterm_of_their_pod(told):
    """Pods say how many they owed when they were told to end, and whether they sent them."""
    owed = told["drained"]
    assert None not in owed
    print(f"{sum(owed)} answers of {len(owed)} pods came after SIGTERM")
    assert sum(owed) > 0


def test_every_pod_that_left_ended_by_itself(told):
    events = {pod: [] for _, pod, _ in told["pods"]}
    for _, pod, event in told["pods"]:
        events[pod].append(event)
    left = [seen for seen in events.values() if "deleted" in seen]
    assert len(left) > 5
    for seen in left:
        assert "killed" not in seen
        assert "failed" not in seen


def test_a_new_template_replaced_every_pod_under_load(told):
    began, ended = told["rollout"]
    print(f"rolled out in {ended - began:.0f} s")
    assert told["rolled_out"]
    under_way = [one for one in told["requests"] if one[0] < ended and one[1] > began]
    assert len(under_way) > 10
    # One pod more first, none less.
    before = [number for at, number in told["ready"] if at <= began]
    ready = [number for at, number in told["ready"] if began < at <= ended]
    assert min([before[-1], *ready]) >= 2
