"""Load steps of 1, 6 and again 1 times what one pod takes, then a new template under load."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab.cluster import DEPLOYMENT, Cluster
from lab.deployed import objects, slots

logger = logging.getLogger(__name__)

MOST = 6
"""Times one pod's capacity."""
QUIET_SECONDS = 30.0
"""How long a step's pods are left alone before the next."""
PATIENCE = 400.0
"""Seconds for each step; then the story goes on, and its tests say what is missing."""


@dataclass(frozen=True)
class Step:
    """A change of the load, by time.time()."""

    began: float
    """When callers were told to come, or to leave with their answer."""
    at: float
    """When there were as many as it says."""
    callers: int
    pods: int
    """How many take that load at the autoscaler's target."""


@dataclass(frozen=True)
class Rollout:
    """A new template under load, by time.time()."""

    began: float
    ended: float
    """When the last pod of the template before had gone."""
    complete: bool


def steps_of_load(cluster: Cluster, callers_of_a_pod: float) -> list[Step]:
    """Up and down, each time until there are as many pods as it takes, none that leave, and each
    has half of its share of the callers at least."""
    steps, slots_of_a_pod = [], slots(objects(0))
    _until(lambda: settled(cluster, 1))
    for number in (1, MOST, 1):
        callers = int(number * callers_of_a_pod)
        logger.info("%d callers, %d pods' worth", callers, number)
        began = time.time()
        cluster.callers.become(callers)
        steps.append(Step(began, time.time(), callers, number))
        _until(lambda number=number: settled(cluster, number))
        fair = callers / number / slots_of_a_pod
        _until(lambda fair=fair: shared(cluster, fair))
        time.sleep(QUIET_SECONDS)
    return steps


def rolling_update(cluster: Cluster, callers_of_a_pod: float) -> Rollout:
    """With two pods' worth of callers, and nothing but an annotation that is new."""
    cluster.callers.become(int(2 * callers_of_a_pod))
    _until(lambda: settled(cluster, 2))
    before, began = set(cluster.kubelet.pods), time.time()
    note = {"metadata": {"annotations": {"molmo2.lab/template": "another"}}}
    cluster.api.patch(DEPLOYMENT, {"spec": {"template": note}})
    complete = _until(lambda: cluster.replicas.rolled_out and not before & {*cluster.kubelet.pods})
    return Rollout(began, time.time(), complete)


def settled(cluster: Cluster, number: int) -> bool:
    """Whether so many pods are wanted and ready, and there are no others."""
    wanted, ready = cluster.replicas.wanted[-1][1], cluster.replicas.ready[-1][1]
    return wanted == ready == len(cluster.kubelet.pods) == number


def shared(cluster: Cluster, fair: float) -> bool:
    """Whether no pod has less than half of what is ``fair``, requests in flight for each slot."""
    values = cluster.adapter.looks[-1].values
    return min(values.values(), default=0.0) >= fair / 2


def _until(done: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True
