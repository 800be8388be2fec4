"""What an autoscaler may look at, and how many pods each proposes."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from fleet.hpa import proposed_by_pods, proposed_by_ratio, proposed_by_sum
from fleet.pods import Fleet

Signal = Callable[[Fleet, int], int]
"""Of a fleet at a second: the replicas that it proposes."""

_WINDOW = 60
"""Seconds over which queueing times are averaged."""


def in_flight_per_slot(target: float) -> Signal:
    """(pending + running) / slots of each pod, 0 while it loads: the policy of the manifests."""

    def propose(fleet: Fleet, now: int) -> int:
        values = [pod.in_flight / fleet.kind.slots for pod in fleet.staying]
        return proposed_by_pods(fleet.replicas, values, 0, target)

    return propose


def queue_length(target: float) -> Signal:
    """Requests pending, summed over the pods."""

    def propose(fleet: Fleet, now: int) -> int:
        waiting = sum(len(pod.waiting) for pod in fleet.staying)
        return proposed_by_sum(fleet.replicas, waiting, target)

    return propose


def queue_seconds(target: float) -> Signal:
    """Mean time that requests had waited in queues, as a ratio."""

    def propose(fleet: Fleet, now: int) -> int:
        while fleet.waits and fleet.waits[0][0] < now - _WINDOW:
            fleet.waits.popleft()
        waits = [wait for _, wait in fleet.waits]
        mean = sum(waits) / len(waits) if waits else 0.0
        return proposed_by_ratio(fleet.replicas, len(fleet.ready(now)), mean, target)

    return propose


def gpu_utilisation(target: float) -> Signal:
    """Percent of the time in which anything runs on a GPU, which is what drivers report."""

    def propose(fleet: Fleet, now: int) -> int:
        ready = fleet.ready(now)
        busy = 100 * sum(pod.running > 0 for pod in ready) / max(1, len(ready))
        return proposed_by_ratio(fleet.replicas, len(ready), busy, target)

    return propose


@dataclass(frozen=True)
class Foreseen:
    """Nobody has this: the pods that the callers of the coming ``ahead`` seconds will need."""

    callers: list[int]
    ahead: int
    load: float
    """Part of the slots that is to be busy."""

    def __call__(self, fleet: Fleet, now: int) -> int:
        coming = max(self.callers[now : now + self.ahead + 1])
        return max(1, math.ceil(coming / fleet.kind.slots / self.load))


@dataclass(frozen=True)
class Fixed:
    """No autoscaler."""

    pods: int

    def __call__(self, fleet: Fleet, now: int) -> int:
        return self.pods
