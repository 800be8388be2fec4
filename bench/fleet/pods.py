"""Pods, each with its slots and its queue, and callers that come back when they are refused."""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from fleet.day import Run, Workload, service_time
from molmo2_client.limits import MAX_RETRY_WAIT, RETRY_JITTER, RETRY_WAIT


@dataclass(frozen=True)
class PodKind:
    """What every pod is like."""

    slots: int
    """Requests that it is at."""
    queue: int
    """Requests that may wait for a slot; beyond them it refuses."""
    load: int
    """Seconds from its creation until it is ready."""


@dataclass(frozen=True)
class Request:
    """One of a run's."""

    made: int
    """The second of its first attempt."""
    run: Run


@dataclass(eq=False)
class Pod:
    """Ready from a second on, until it has left."""

    ready_at: int
    leaving: bool = False
    running: int = 0
    waiting: deque[Request] = field(default_factory=deque)

    @property
    def in_flight(self) -> int:
        return self.running + len(self.waiting)


def _seconds_until_again(pause: float, rng: random.Random) -> int:
    """As the client waits, to the second in which it asks again."""
    return max(1, round(pause + rng.uniform(0, RETRY_JITTER)))


class Fleet:
    """All pods, second by second."""

    def __init__(self, kind: PodKind, workload: Workload, replicas: int, seed: int) -> None:
        self.kind = kind
        self.pods = [Pod(ready_at=0) for _ in range(replicas)]
        self.latencies: list[int] = []
        """Seconds from a request's first attempt to its answer."""
        self.refusals = 0
        self.gpu_seconds = 0
        self.waits: deque[tuple[int, int]] = deque()
        """When a request got its slot, and how long after its first attempt."""
        self._workload = workload
        self._rng = random.Random(seed)
        self._ends: dict[int, list[tuple[Pod, Request]]] = {}
        self._returns: dict[int, list[tuple[Request, float]]] = {}
        self._turn = 0

    @property
    def replicas(self) -> int:
        return sum(not pod.leaving for pod in self.pods)

    @property
    def staying(self) -> list[Pod]:
        return [pod for pod in self.pods if not pod.leaving]

    def ready(self, now: int) -> list[Pod]:
        return [pod for pod in self.pods if not pod.leaving and pod.ready_at <= now]

    def scale(self, now: int, replicas: int) -> None:
        """New pods load; those that leave answer what they have. The youngest leave first."""
        missing = replicas - self.replicas
        self.pods += [Pod(ready_at=now + self.kind.load) for _ in range(missing)]
        if missing < 0:
            for pod in sorted(self.staying, key=lambda pod: -pod.ready_at)[:-missing]:
                pod.leaving = True

    def second(self, now: int, starting: Iterable[Run] = ()) -> None:
        """What ends, what comes back, and which runs begin."""
        ready = self.ready(now)
        for pod, request in self._ends.pop(now, ()):
            pod.running -= 1
            self.latencies.append(now - request.made)
            request.run.answered(now)
            if pod.waiting:
                self._start(pod, now, pod.waiting.popleft())
            self._next(ready, now, request.run)
        self.pods = [pod for pod in self.pods if not (pod.leaving and pod.in_flight == 0)]
        self.gpu_seconds += len(self.pods)
        for request, pause in self._returns.pop(now, ()):
            self._send(ready, now, request, pause)
        for run in starting:
            for _ in range(run.callers):
                self._next(ready, now, run)

    def _next(self, ready: list[Pod], now: int, run: Run) -> None:
        """A caller that has its answer asks about the next video."""
        if run.ask():
            self._send(ready, now, Request(now, run), RETRY_WAIT)

    def _send(self, ready: list[Pod], now: int, request: Request, pause: float) -> None:
        """Callers go round the pods; one that is refused waits, twice as long each time."""
        self._turn += 1
        pod = ready[self._turn % len(ready)] if ready else None
        if pod is not None and pod.running < self.kind.slots:
            self._start(pod, now, request)
        elif pod is not None and len(pod.waiting) < self.kind.queue:
            pod.waiting.append(request)
        else:
            self.refusals += 1
            again = now + _seconds_until_again(pause, self._rng)
            self._returns.setdefault(again, []).append((request, min(2 * pause, MAX_RETRY_WAIT)))

    def _start(self, pod: Pod, now: int, request: Request) -> None:
        pod.running += 1
        self.waits.append((now, now - request.made))
        end = now + max(1, round(service_time(self._workload, self._rng)))
        self._ends.setdefault(end, []).append((pod, request))
