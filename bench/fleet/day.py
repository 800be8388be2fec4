"""A day on which people label: runs that come when people work, each of its own size."""

import math
import random
from dataclasses import dataclass

DAY = 86_400
"""Seconds."""


@dataclass(frozen=True)
class Workload:
    """What a day brings. Times are seconds."""

    runs: float = 45
    """Labelling runs in a day, on average."""
    busiest: float = 14 * 3600
    """When most of them start."""
    spread: float = 3.5 * 3600
    """Standard deviation of their starts."""
    concurrency: float = 192
    """Requests that a run keeps in flight: the median of a log-normal with sigma 0.9."""
    most_concurrency: int = 1024
    duration: float = 1500
    """That a run takes if nothing waits: the median of a log-normal with sigma 0.8."""
    longest: float = 4 * 3600
    service: float = 40
    """That a request is in its slot: the mean of a log-normal with sigma 0.5."""


@dataclass(eq=False)
class Run:
    """One labelling run: so many callers, each with one request at a time, until all is asked."""

    start: int
    callers: int
    videos: int
    """That are not yet asked about."""
    ended: int | None = None
    """When its last answer came."""
    _under_way: int = 0

    def ask(self) -> bool:
        """Whether a caller has something to ask."""
        if self.videos == 0:
            return False
        self.videos -= 1
        self._under_way += 1
        return True

    def answered(self, now: int) -> None:
        self._under_way -= 1
        if self.videos == 0 and self._under_way == 0:
            self.ended = now


def day_of_runs(workload: Workload, seed: int) -> list[Run]:
    """In the order of their starts; none starts after the day."""
    rng = random.Random(seed)
    found = []
    for _ in range(round(rng.gauss(workload.runs, math.sqrt(workload.runs)))):
        start = int(rng.gauss(workload.busiest, workload.spread)) % DAY
        wanted = rng.lognormvariate(math.log(workload.concurrency), 0.9)
        callers = round(max(8.0, min(wanted, workload.most_concurrency)))
        length = min(rng.lognormvariate(math.log(workload.duration), 0.8), workload.longest)
        found.append(Run(start, callers, max(1, round(callers * length / workload.service))))
    return sorted(found, key=lambda run: run.start)


def callers_at(runs: list[Run], workload: Workload) -> list[int]:
    """How many callers each second would have if nothing waited."""
    change = [0] * (2 * DAY)
    for run in runs:
        change[run.start] += run.callers
        length = run.videos * workload.service / run.callers
        change[run.start + int(length)] -= run.callers
    number, found = 0, []
    for second in range(2 * DAY):
        number += change[second]
        found.append(number)
    return found


def service_time(workload: Workload, rng: random.Random) -> float:
    """Seconds that one request is in its slot."""
    return rng.lognormvariate(math.log(workload.service) - 0.125, 0.5)
