"""What it is worth that a video's requests go to the pod that holds its prefix."""

import heapq
import itertools
import random
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from fleet.routing import Balanced


@dataclass(frozen=True)
class Visits:
    """Who asks about which video. Times are seconds."""

    pods: int = 16
    slots: int = 16
    queue: int = 16
    held: int = 76
    """Prefixes that a pod holds: 30 s videos, the 4B checkpoint and a GPU of 80 GB."""
    load: float = 0.7
    """Requests offered, as a part of what the pods could answer if no prefix was ever held."""
    requests: float = 5
    """About one video, on average; one is asked by itself."""
    gap: float = 60
    """Between two requests about one video, on average."""
    popular: float = 0.1
    """Part of the requests that are about one of ten videos that everybody asks about."""
    miss: float = 20
    """A request's time in its slot when its prefix must be made first."""
    hit: float = 10
    """The same when the prefix is there."""
    seconds: int = 3600
    joined: int = 4
    """Pods that come half way."""


class Router(Protocol):
    def choose(self, video: int, pods: Sequence[Balanced]) -> Balanced | None: ...


@dataclass(frozen=True)
class Balance:
    """How a way of routing did."""

    answered: int
    hit_rate: float
    possible: float
    """The hit rate of one cache that holds everything."""
    imbalance: float
    """The busiest pod's requests over the average, of those that were there all the time."""
    p95: float
    """Seconds from asking to the answer."""
    refused: int


@dataclass(eq=False)
class _Pod:
    name: str
    visits: Visits
    running: int = 0
    waiting: list[tuple[float, int]] = field(default_factory=list)
    held: OrderedDict[int, None] = field(default_factory=OrderedDict)
    served: int = 0

    @property
    def in_flight(self) -> int:
        return self.running + len(self.waiting)

    @property
    def full(self) -> bool:
        return self.in_flight >= self.visits.slots + self.visits.queue

    def holds(self, video: int) -> bool:
        """And from now on it does, as the least recently used one makes room."""
        hit = video in self.held
        self.held[video] = None
        self.held.move_to_end(video)
        if len(self.held) > self.visits.held:
            self.held.popitem(last=False)
        return hit


def asked(visits: Visits, seed: int) -> list[tuple[float, int]]:
    """When which video is asked about, in order."""
    rng = random.Random(seed)
    rate = visits.load * visits.pods * visits.slots / visits.miss
    found: list[tuple[float, int]] = []
    video = itertools.count(10)
    now = 0.0
    while now < visits.seconds:
        now += rng.expovariate(rate * (1 - visits.popular) / visits.requests)
        one, at = next(video), now
        while at < visits.seconds:
            found.append((at, one))
            if rng.random() < 1 / visits.requests:
                break
            at += rng.expovariate(1 / visits.gap)
    now = 0.0
    while now < visits.seconds and visits.popular:
        now += rng.expovariate(rate * visits.popular)
        found.append((now, rng.randrange(10)))
    return sorted(found)


def balance(visits: Visits, router: Router, seed: int = 1) -> Balance:
    """Routes every request; refused ones ask again after a second."""
    rng = random.Random(seed)
    pods = [_Pod(f"pod-{number}", visits) for number in range(visits.pods)]
    order = itertools.count()
    events = [(at, next(order), video, at, None) for at, video in asked(visits, seed)]
    heapq.heapify(events)
    seen: set[int] = set()
    taken: list[float] = []
    hits = possible = refused = 0

    def start(pod: _Pod, now: float, video: int, made: float) -> None:
        nonlocal hits, possible
        hit = pod.holds(video)
        hits += hit
        possible += video in seen
        seen.add(video)
        pod.running += 1
        pod.served += 1
        end = now + rng.uniform(0.5, 1.5) * (visits.hit if hit else visits.miss)
        heapq.heappush(events, (end, next(order), video, made, pod))

    while events:
        now, _, video, made, ended = heapq.heappop(events)
        if len(pods) == visits.pods and now > visits.seconds / 2:
            pods += [_Pod(f"late-{number}", visits) for number in range(visits.joined)]
        if ended is not None:
            taken.append(now - made)
            ended.running -= 1
            if ended.waiting:
                start(ended, now, *reversed(ended.waiting.pop(0)))
            continue
        pod = router.choose(video, pods)
        if pod is None:
            refused += 1
            heapq.heappush(events, (now + 1, next(order), video, made, None))
        elif pod.running < visits.slots:
            start(pod, now, video, made)
        else:
            pod.waiting.append((made, video))
    served = [pod.served for pod in pods[: visits.pods]]
    return Balance(
        len(taken),
        hits / len(taken),
        possible / len(taken),
        max(served) * len(served) / sum(served),
        sorted(taken)[int(0.95 * len(taken))],
        refused,
    )
