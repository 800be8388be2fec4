"""What Kubernetes' HorizontalPodAutoscaler decides (autoscaling/v2, pkg/controller/podautoscaler).

Two steps, as there: a metric proposes a number of replicas, and `behavior` says how much of the way
may be gone now. Replayed against recordings of real controllers in tests/bench/fleet.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

TOLERANCE = 0.1
"""A ratio this close to 1 changes nothing."""


@dataclass(frozen=True)
class Policy:
    """So many pods, or so many percent of them, may come or go within ``period`` seconds."""

    kind: str
    value: int
    period: float


@dataclass(frozen=True)
class Direction:
    """How fast one direction may go."""

    window: float
    """Seconds over which the most cautious proposal counts."""
    policies: Sequence[Policy]
    select: str = "Max"

    @classmethod
    def of(cls, rules: dict[str, Any]) -> Self:
        """From ``behavior.scaleUp`` or ``behavior.scaleDown`` of a manifest."""
        policies = [Policy(p["type"], p["value"], p["periodSeconds"]) for p in rules["policies"]]
        return cls(rules["stabilizationWindowSeconds"], policies, rules.get("selectPolicy", "Max"))


@dataclass(frozen=True)
class Behavior:
    """What an autoscaler was told."""

    least: int
    most: int
    up: Direction
    down: Direction

    @classmethod
    def of(cls, manifest: dict[str, Any], most: int | None = None) -> Self:
        """From a manifest; ``most`` replaces its maxReplicas."""
        spec = manifest["spec"]
        return cls(
            spec["minReplicas"],
            most or spec["maxReplicas"],
            Direction.of(spec["behavior"]["scaleUp"]),
            Direction.of(spec["behavior"]["scaleDown"]),
        )


def proposed_by_sum(current: int, total: float, target: float) -> int:
    """External metric, AverageValue: pods that the total needs, however many there are."""
    if abs(total / (target * current) - 1) <= TOLERANCE:
        return current
    return math.ceil(total / target)


def proposed_by_ratio(current: int, ready: int, value: float, target: float) -> int:
    """External metric, Value, and utilisation: today's pods times how far off the value is."""
    ratio = value / target
    return current if abs(ratio - 1) <= TOLERANCE else math.ceil(ratio * ready)


def proposed_by_pods(current: int, values: Sequence[float], absent: int, target: float) -> int:
    """Pods metric, AverageValue. ``absent`` pods have no value: when more are wanted they count as
    idle, when fewer are wanted as exactly at the target."""
    ratio = sum(values) / len(values) / target
    if not absent:
        return current if abs(ratio - 1) <= TOLERANCE else math.ceil(ratio * len(values))
    filled = [*values, *([0.0 if ratio > 1 else target] * absent if ratio != 1 else [])]
    again = sum(filled) / len(filled) / target
    if abs(again - 1) <= TOLERANCE or (ratio < 1 < again) or (again < 1 < ratio):
        return current
    wanted = math.ceil(again * len(filled))
    turned = wanted > current if again < 1 else wanted < current
    return current if turned else wanted


@dataclass
class Autoscaler:
    """Goes from proposals to replicas, one at each look."""

    behavior: Behavior
    _proposals: list[tuple[float, int]] = field(default_factory=list)
    _added: list[tuple[float, int]] = field(default_factory=list)
    _removed: list[tuple[float, int]] = field(default_factory=list)

    def decide(self, now: float, current: int, proposed: int) -> int:
        """The replicas from now on; ``now`` in seconds, never earlier than at the last look."""
        up, down = self.behavior.up, self.behavior.down
        least_wanted = min([proposed, *_since(self._proposals, now - up.window)])
        most_wanted = max([proposed, *_since(self._proposals, now - down.window)])
        longest = max(up.window, down.window)
        self._proposals = [(at, n) for at, n in self._proposals if at > now - longest]
        self._proposals.append((now, proposed))
        wanted = min(max(current, least_wanted), most_wanted)
        if wanted > current:
            wanted = min(wanted, max(current, self._ceiling(now, current)))
        elif wanted < current:
            wanted = max(wanted, min(current, self._floor(now, current)))
        wanted = max(self.behavior.least, min(self.behavior.most, wanted))
        if wanted > current:
            self._added.append((now, wanted - current))
        elif wanted < current:
            self._removed.append((now, current - wanted))
        return wanted

    def _ceiling(self, now: float, current: int) -> int:
        limits = []
        for policy in self.behavior.up.policies:
            start = self._before(now, current, policy.period)
            grown = math.ceil(start * (1 + policy.value / 100))
            limits.append(start + policy.value if policy.kind == "Pods" else grown)
        return max(limits) if self.behavior.up.select == "Max" else min(limits)

    def _floor(self, now: float, current: int) -> int:
        limits = []
        for policy in self.behavior.down.policies:
            start = self._before(now, current, policy.period)
            shrunk = int(start * (1 - policy.value / 100))
            limits.append(start - policy.value if policy.kind == "Pods" else shrunk)
        return min(limits) if self.behavior.down.select == "Max" else max(limits)

    def _before(self, now: float, current: int, period: float) -> int:
        """Replicas at the beginning of a policy's period."""
        added = sum(_since(self._added, now - period))
        removed = sum(_since(self._removed, now - period))
        return current - added + removed


def _since(events: Iterable[tuple[float, int]], start: float) -> list[int]:
    return [number for at, number in events if at > start]
