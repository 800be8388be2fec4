"""Requests about a video go to the pod that holds it, without one pod getting all of them."""

from dataclasses import dataclass, replace

import pytest
from autoscaling import router_bound
from fleet.affinity import Visits, asked, balance
from fleet.routing import LessLoadedOfTwo, Ring, RoundRobin

SMALL = Visits(pods=8, slots=8, queue=8, held=40, seconds=900, joined=2)


@dataclass
class Idle:
    name: str
    in_flight: int = 0
    full: bool = False


def chosen(router, pods, videos=2000):
    return {video: router.choose(video, pods).name for video in range(videos)}


def test_a_pod_more_moves_its_share_of_the_videos_and_no_other():
    pods = [Idle(f"pod-{number}") for number in range(9)]
    before, after = chosen(Ring(), pods), chosen(Ring(), [*pods, Idle("new")])
    moved = {video for video in before if before[video] != after[video]}
    assert all(after[video] == "new" for video in moved)
    assert 0.05 < len(moved) / len(before) < 0.16  # a tenth


def test_a_pod_less_moves_its_own_videos_only():
    pods = [Idle(f"pod-{number}") for number in range(10)]
    before, after = chosen(Ring(), pods), chosen(Ring(), pods[1:])
    assert all(before[video] == "pod-0" for video in before if before[video] != after[video])


def test_with_a_bound_a_pod_that_is_ahead_is_passed_over():
    pods = [Idle("a"), Idle("b")]
    favourite = next(pod for pod in pods if pod.name == chosen(Ring(), pods, 1)[0])
    favourite.in_flight = 10
    assert Ring(bound=1.25).choose(0, pods) is not favourite
    assert Ring().choose(0, pods) is favourite


def test_the_overlays_router_has_a_bound_that_leaves_room_above_the_average():
    assert 1 < router_bound() < 2


def test_a_full_pod_is_passed_over_and_when_all_are_nobody_is_chosen():
    pods = [Idle("a", full=True), Idle("b")]
    for router in (RoundRobin(), Ring(), Ring(bound=1.25)):
        assert router.choose(0, pods).name == "b"
        assert router.choose(0, [pods[0]]) is None
    assert LessLoadedOfTwo(1).choose(0, [Idle("a", 3, True), Idle("b", 4, True)]) is None


@pytest.fixture(scope="module")
def outcomes():
    routers = {"round": RoundRobin(), "ring": Ring(), "bounded": Ring(bound=1.5)}
    return {name: balance(SMALL, router) for name, router in routers.items()}


def test_hashing_finds_most_prefixes_and_round_robin_few(outcomes):
    assert outcomes["round"].hit_rate < 0.4 * outcomes["ring"].possible
    assert outcomes["ring"].hit_rate > 0.95 * outcomes["ring"].possible
    assert outcomes["bounded"].hit_rate > 0.8 * outcomes["ring"].possible


def test_a_bound_keeps_the_balance_that_hashing_loses(outcomes):
    assert outcomes["round"].imbalance < outcomes["bounded"].imbalance
    assert outcomes["bounded"].imbalance < outcomes["ring"].imbalance


def test_every_request_is_answered_once():
    few = replace(SMALL, load=8.0, seconds=120)  # eight times what the pods can do
    outcome = balance(few, Ring())
    assert outcome.refused > 0
    assert outcome.answered == len(asked(few, 1))
