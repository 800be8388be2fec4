"""Who is next. Jobs wait for the prefix of their media, then their sequences wait for slots.

Both queues are first come, first served. A job whose prefix is held needs no prefill and does not
wait for those that do. A step prefills the media of at most one job, so running sequences wait for
one prefill between two tokens, and a job waits for the prefills of those before it and no others.
"""

from collections import deque
from collections.abc import Iterator

from molmo2_contract.errors import Overloaded
from molmo2_engine.generation.sampling import Sampler
from molmo2_engine.job import Generate, Job, Sequence


class Scheduler:
    """The two queues. The engine holds its lock around every call that touches jobs."""

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._jobs: deque[Job] = deque()
        self._sequences: deque[Sequence] = deque()

    @property
    def idle(self) -> bool:
        return not self._jobs and not self._sequences

    def submit(self, job: Job) -> None:
        """Lets a job wait for its prefix.

        Raises:
            Overloaded: when ``max_waiting`` jobs wait already.
        """
        if len(self._jobs) >= self._max_waiting:
            raise Overloaded(
                f"{self._max_waiting} requests are waiting already (max_waiting_requests)",
                retry_after=1.0,
            )
        self._jobs.append(job)

    def take_ready(self) -> list[Job]:
        """Removes and returns the jobs whose prefix is there."""
        ready = [job for job in self._jobs if job.prefix is not None]
        self._jobs = deque(job for job in self._jobs if job.prefix is None)
        return ready

    def first(self) -> Job | None:
        """The job that has waited longest."""
        return self._jobs[0] if self._jobs else None

    def remove(self, job: Job) -> None:
        self._jobs.remove(job)

    def open(self, job: Job) -> None:
        """Lets the sequences of a job wait for slots."""
        self._sequences.extend(_sequences(job))

    def next_sequence(self) -> Sequence | None:
        return self._sequences.popleft() if self._sequences else None

    def drop_cancelled(self) -> set[Job]:
        """Forgets everything of cancelled jobs that waits; returns those jobs."""
        dropped = {job for job in self._jobs if job.cancelled}
        dropped |= {sequence.job for sequence in self._sequences if sequence.job.cancelled}
        self._jobs = deque(job for job in self._jobs if not job.cancelled)
        self._sequences = deque(s for s in self._sequences if not s.job.cancelled)
        return dropped


def _sequences(job: Job) -> Iterator[Sequence]:
    for index, operation in enumerate(job.operations):
        if isinstance(operation, Generate):
            yield Sequence(
                job=job,
                index=index,
                question=operation.question,
                sampler=Sampler(operation.parameters),
                max_new_tokens=operation.parameters.max_new_tokens,
            )
