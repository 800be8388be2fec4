"""One day of one fleet under one policy."""

from dataclasses import dataclass

from fleet.day import Run, Workload
from fleet.hpa import Autoscaler, Behavior
from fleet.pods import Fleet, PodKind
from fleet.signals import Signal

LOOK = 15
"""Seconds between two looks of an autoscaler: the controller's default."""


@dataclass(frozen=True)
class Outcome:
    """What a day came to."""

    gpu_hours: float
    most: int
    """Pods at once, those that drain too."""
    changes: int
    answered: int
    refused: int
    """Answers of a pod that it is full; callers came back."""
    p50: float
    p95: float
    p99: float
    """Seconds from a request's first attempt to its answer."""
    stretch: float
    """How much longer than with a server that never waits: the runs' mean."""


def simulate(
    workload: Workload,
    kind: PodKind,
    runs: list[Run],
    signal: Signal,
    behavior: Behavior | None,
    seed: int,
    seconds: int,
    replicas: int = 1,
) -> Outcome:
    """At least ``seconds``, and until every run has ended.

    ``behavior`` None follows the signal at once, both ways.
    """
    runs = [Run(run.start, run.callers, run.videos) for run in runs]
    ideal = [run.videos / run.callers * workload.service for run in runs]
    starting: dict[int, list[Run]] = {}
    for run in runs:
        starting.setdefault(run.start, []).append(run)
    fleet = Fleet(kind, workload, replicas, seed)
    autoscaler = Autoscaler(behavior) if behavior else None
    most = changes = now = 0
    while now < seconds or any(run.ended is None for run in runs):
        fleet.second(now, starting.get(now, ()))
        if now % LOOK == 0:
            proposed = signal(fleet, now)
            if autoscaler is not None:
                proposed = autoscaler.decide(now, fleet.replicas, proposed)
            if proposed != fleet.replicas:
                changes += 1
                fleet.scale(now, proposed)
        most = max(most, len(fleet.pods))
        now += 1
    taken = sorted(fleet.latencies)
    took = [(run.ended or now) - run.start for run in runs]

    def quantile(part: float) -> float:
        return float(taken[int(part * (len(taken) - 1))])

    return Outcome(
        fleet.gpu_seconds / 3600,
        most,
        changes,
        len(taken),
        fleet.refusals,
        quantile(0.5),
        quantile(0.95),
        quantile(0.99),
        sum(took) / sum(ideal),
    )
