"""Ways to choose a pod for a request about a video, and whether the choice remembers the video."""

import bisect
import hashlib
import math
import random
from collections.abc import Sequence
from typing import Protocol

_POINTS = 100
"""Places of a pod on the ring."""


class Balanced(Protocol):
    """What a router knows of a pod."""

    name: str

    @property
    def in_flight(self) -> int: ...

    @property
    def full(self) -> bool: ...


class RoundRobin:
    """One after the other; the next one when a pod is full."""

    def __init__(self) -> None:
        self._turn = 0

    def choose(self, video: int, pods: Sequence[Balanced]) -> Balanced | None:
        for _ in pods:
            self._turn += 1
            pod = pods[self._turn % len(pods)]
            if not pod.full:
                return pod
        return None


class LessLoadedOfTwo:
    """Two at random, and of them the one with less in flight."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def choose(self, video: int, pods: Sequence[Balanced]) -> Balanced | None:
        pair = self._rng.sample(list(pods), 2)
        pod = min(pair, key=lambda pod: pod.in_flight)
        return None if pod.full else pod


class Ring:
    """Consistent hashing on the video's key: a pod that comes or goes moves its share only.

    With ``bound`` no pod gets more than so many times the average in flight; what is over goes on
    along the ring (consistent hashing with bounded loads, arXiv:1608.01350). That is Envoy's
    ``hash_balance_factor``, in percent. Without it, the next pod is asked where one is full.
    """

    def __init__(self, bound: float | None = None) -> None:
        self._bound = bound
        self._names: tuple[str, ...] = ()
        self._ring: list[tuple[int, int]] = []

    def choose(self, video: int, pods: Sequence[Balanced]) -> Balanced | None:
        names = tuple(pod.name for pod in pods)
        if names != self._names:
            self._names, self._ring = names, _ring(names)
        most = math.inf
        if self._bound is not None:
            average = (sum(pod.in_flight for pod in pods) + 1) / len(pods)
            most = math.ceil(self._bound * average)
        place = bisect.bisect(self._ring, (_digest(str(video)), 0))
        asked: set[int] = set()
        while len(asked) < len(pods):
            _, index = self._ring[place % len(self._ring)]
            place += 1
            if index not in asked:
                asked.add(index)
                if not pods[index].full and pods[index].in_flight < most:
                    return pods[index]
        return None


def _ring(names: Sequence[str]) -> list[tuple[int, int]]:
    return sorted(
        (_digest(f"{name}/{point}"), index)
        for index, name in enumerate(names)
        for point in range(_POINTS)
    )


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
