"""A day of labelling on up to 200 GPUs under several autoscaling signals, simulated.

The policy that is judged is read from k8s/components/autoscale-hpa/hpa.yaml; bench/fleet says what
the model assumes. Other signals run with the same behaviour, fixed sizes with none, and one policy
knows the future. Then ways to choose a pod for a video: who finds its prefix, and at what balance.

    make bench-autoscaling

The last line is one JSON object: the policy's GPU-hours over the least that any policy needs whose
callers wait no longer than is accepted, its p95, and the prefix hit rate and balance of the routing
that the overlay `affinity` asks for, beside round robin's hit rate.
"""

import argparse
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from fleet.affinity import Balance, Visits, balance
from fleet.day import DAY, Workload, callers_at, day_of_runs
from fleet.hpa import Behavior
from fleet.pods import PodKind
from fleet.routing import LessLoadedOfTwo, Ring, RoundRobin
from fleet.signals import (
    Fixed,
    Foreseen,
    Signal,
    gpu_utilisation,
    in_flight_per_slot,
    queue_length,
    queue_seconds,
)
from fleet.simulation import Outcome, simulate

K8S = Path(__file__).parents[1] / "k8s"
GPUS = 200
ACCEPTED = 1.3
"""p95 over the p95 of a fleet on which nothing ever waits: what people accept of a batch run."""


@dataclass(frozen=True)
class Contender:
    """A policy under comparison."""

    name: str
    signal: Signal
    behavior: Behavior | None
    first: int = 1
    real: bool = True


def chosen() -> tuple[float, Behavior]:
    """Target and behaviour of the manifest."""
    manifest = yaml.safe_load((K8S / "components/autoscale-hpa/hpa.yaml").read_text())
    (metric,) = manifest["spec"]["metrics"]
    target = metric["pods"]["target"]["averageValue"]
    return int(target.removesuffix("m")) / 1000, Behavior.of(manifest, most=GPUS)


def pod_kind(load: int) -> PodKind:
    """Slots and queue of the manifest."""
    config = yaml.safe_load((K8S / "base/config/model-config.yaml").read_text())
    return PodKind(config["minWorkers"], config["jobQueueSize"], load)


def contenders(callers: list[int], kind: PodKind) -> list[Contender]:
    target, behavior = chosen()
    peak = -(-max(callers) // kind.slots)
    return [
        Contender(f"in flight per slot {target:g} (chosen)", in_flight_per_slot(target), behavior),
        Contender("in flight per slot 0.7", in_flight_per_slot(0.7), behavior),
        Contender("in flight per slot 1.0", in_flight_per_slot(1.0), behavior),
        Contender("queue length 1 a pod", queue_length(1), behavior),
        Contender("queue length 4 a pod", queue_length(4), behavior),
        Contender("queue time 10 s", queue_seconds(10), behavior),
        Contender("GPU utilisation 80 %", gpu_utilisation(80), behavior),
        Contender("fixed at the peak", Fixed(peak), None, peak),
        Contender("fixed at a third of it", Fixed(peak // 3), None, peak // 3),
        Contender("foreseen (nobody can)", Foreseen(callers, kind.load, 0.85), None),
    ]


def days(workload: Workload, kind: PodKind, seeds: range) -> dict[str, list[Outcome]]:
    """Every contender on every day."""
    found: dict[str, list[Outcome]] = {}
    for seed in seeds:
        runs = day_of_runs(workload, seed)
        callers = callers_at(runs, workload)
        print(
            f"day {seed}: {len(runs)} runs, {sum(run.videos for run in runs):,} requests, "
            f"{sum(callers) / kind.slots / 3600:.0f} GPU-hours of work, at most "
            f"{max(callers) / kind.slots:.0f} GPUs at once",
            flush=True,
        )
        for one in contenders(callers, kind):
            outcome = simulate(
                workload, kind, runs, one.signal, one.behavior, seed, DAY, replicas=one.first
            )
            found.setdefault(one.name, []).append(outcome)
    return found


def mean(outcomes: list[Outcome], name: str) -> float:
    return statistics.fmean(getattr(outcome, name) for outcome in outcomes)


def table(found: dict[str, list[Outcome]]) -> None:
    columns = ("gpu_hours", "most", "changes", "refused", "p50", "p95", "p99", "stretch")
    print(f"\n{'policy':34}" + "".join(f"{column:>11}" for column in columns))
    for name, outcomes in found.items():
        values = [mean(outcomes, column) for column in columns]
        cells = [
            f"{v:11.2f}" if c == "stretch" else f"{v:11.0f}"
            for c, v in zip(columns, values, strict=True)
        ]
        print(f"{name:34}" + "".join(cells))


def judged(found: dict[str, list[Outcome]]) -> dict[str, float]:
    """The chosen policy, the first, against the cheapest whose callers wait acceptably."""
    unhurried = mean(found["fixed at the peak"], "p95")
    accepted = {
        name: mean(outcomes, "gpu_hours")
        for name, outcomes in found.items()
        if mean(outcomes, "p95") <= ACCEPTED * unhurried
    }
    policy = next(iter(found))
    best = min(accepted, key=accepted.__getitem__)
    print(f"\np95 accepted: {ACCEPTED * unhurried:.0f} s; cheapest within it: {best}")
    return {
        "gpu_hours_ratio": round(mean(found[policy], "gpu_hours") / accepted[best], 3),
        "p95_ratio": round(mean(found[policy], "p95") / unhurried, 3),
        "gpu_hours_saved": round(
            1 - mean(found[policy], "gpu_hours") / mean(found["fixed at the peak"], "gpu_hours"), 3
        ),
    }


def affinity(visits: Visits) -> dict[str, float]:
    bound = router_bound()
    ways: dict[str, Any] = {
        "round robin": RoundRobin(),
        "less loaded of two": LessLoadedOfTwo(seed=1),
        "ring": Ring(),
        f"ring, bounded at {bound:g} (chosen)": Ring(bound),
        "ring, bounded at 1.25": Ring(1.25),
    }
    found: dict[str, Balance] = {name: balance(visits, way) for name, way in ways.items()}
    print(f"\n{'routing':34}{'hit rate':>11}{'possible':>11}{'imbalance':>11}{'p95':>11}")
    for name, one in found.items():
        figures = (one.hit_rate, one.possible, one.imbalance, one.p95)
        print(f"{name:34}" + "".join(f"{figure:11.2f}" for figure in figures))
    (picked,) = (one for name, one in found.items() if "chosen" in name)
    return {
        "prefix_hit_rate": round(picked.hit_rate, 3),
        "prefix_hits_of_possible": round(picked.hit_rate / picked.possible, 3),
        "load_imbalance": round(picked.imbalance, 3),
        "round_robin_hit_rate": round(found["round robin"].hit_rate, 3),
    }


def router_bound() -> float:
    """The overlay's bound, of Envoy's percent."""
    pods = yaml.safe_load((K8S / "components/affinity/pods.yaml").read_text())
    (cluster,) = (c for c in pods["resources"] if c["name"] == "molmo2")
    factor = cluster["common_lb_config"]["consistent_hashing_lb_config"]["hash_balance_factor"]
    return int(factor) / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--load", type=int, default=240, help="seconds until a new pod is ready")
    options = parser.parse_args()
    kind = pod_kind(options.load)
    found = days(Workload(), kind, range(1, options.days + 1))
    table(found)
    figures = judged(found) | affinity(Visits(slots=kind.slots, queue=kind.queue))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
