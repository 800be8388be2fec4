"""The policy of the manifests on a small day, judged as `make bench-autoscaling` judges it."""

import pytest
from autoscaling import ACCEPTED, days, judged, pod_kind
from fleet.affinity import Visits
from fleet.day import Workload
from videos_an_hour import videos_held

from molmo2_archive.checkpoints import find

SECONDS_TO_LOAD = 240


@pytest.fixture(scope="module")
def figures():
    small = Workload(concurrency=24, most_concurrency=128)
    return judged(days(small, pod_kind(SECONDS_TO_LOAD), range(1, 2)))


def test_it_costs_hardly_more_than_the_cheapest_that_callers_accept(figures):
    assert figures["gpu_hours_ratio"] <= 1.15


def test_callers_accept_it(figures):
    assert figures["p95_ratio"] <= ACCEPTED


def test_it_saves_most_of_a_fleet_that_is_as_large_as_the_peak(figures):
    assert figures["gpu_hours_saved"] > 0.6


def test_a_pod_holds_as_many_prefixes_as_its_gpu_has_room_for():
    known = find("allenai/Molmo2-4B")
    assert known is not None
    assert Visits(slots=16, queue=16).held == videos_held(known, 80)
