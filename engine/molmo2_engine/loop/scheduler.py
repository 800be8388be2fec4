"""Who is next. Jobs wait for the prefix of their media, then their sequences wait for a place.

How long anybody can wait is bounded. A job whose prefix is held waits for no prefill. Of the
others, one's media are prefilled a step: in turn the oldest's and the shortest's, so that a short
video need not wait for a flood of long ones, and a job waits for at most twice as many prefills as
there were jobs before it, ``max_waiting`` in all. Sequences are first come, first served.
"""

from collections import deque
from collections.abc import Callable, Iterator

from molmo2_contract.errors import Overloaded
from molmo2_engine.generation.sampling import Sampler
from molmo2_engine.loop.job import Generate, Job, Sequence
from molmo2_engine.prompt.media import Media


class Scheduler:
    """The two queues. The engine holds its lock around every call that touches jobs."""

    def __init__(self, max_waiting: int) -> None:
        self._max_waiting = max_waiting
        self._jobs: deque[Job] = deque()
        self._sequences: deque[Sequence] = deque()
        self._shortest_is_next = False

    @property
    def idle(self) -> bool:
        return not self._jobs and not self._sequences

    @property
    def waiting_jobs(self) -> int:
        return len(self._jobs)

    @property
    def waiting_sequences(self) -> int:
        return len(self._sequences)

    def submit(self, job: Job) -> None:
        """Lets a job wait for its prefix.

        Raises:
            Overloaded: when ``max_waiting`` jobs wait already.
        """
        if len(self._jobs) >= self._max_waiting:
            raise Overloaded(
                f"{self._max_waiting} requests are waiting already (max_waiting_requests)",
                retry_after=min(max(self._jobs[0].waited(), 1.0), 60.0),
            )
        self._jobs.append(job)

    def media_of(self, key: bytes) -> Media | None:
        """The media of a job that waits, for another about the same."""
        return next((job.media for job in self._jobs if job.key == key), None)

    def find_ready(self, hold: Callable[[Job], bool]) -> None:
        """Lets ``hold`` give each job its prefix, if that is there by now."""
        for job in self._jobs:
            if job.prefix is None:
                hold(job)

    def take_ready(self) -> list[Job]:
        """Removes and returns the jobs whose prefix is there."""
        ready = [job for job in self._jobs if job.prefix is not None]
        self._jobs = deque(job for job in self._jobs if job.prefix is None)
        return ready

    def next_to_prefill(self) -> Job | None:
        """The job without a prefix whose turn it is; it stays in the queue."""
        waiting = (job for job in self._jobs if job.prefix is None)
        if self._shortest_is_next:
            return min(waiting, key=lambda job: job.prefix_tokens, default=None)
        return next(waiting, None)

    def prefilled(self) -> None:
        """The next job's media were prefilled, or could not be: it is the others' turn."""
        self._shortest_is_next = not self._shortest_is_next

    def remove(self, job: Job) -> None:
        self._jobs.remove(job)

    def open(self, job: Job) -> None:
        """Lets the sequences of a job wait for places."""
        self._sequences.extend(_sequences(job))

    def next_sequence(self) -> Sequence | None:
        """The sequence that has waited longest; it stays in the queue until it is started."""
        return self._sequences[0] if self._sequences else None

    def started(self) -> None:
        """The next sequence runs now."""
        self._sequences.popleft()

    def resume(self, sequence: Sequence) -> None:
        """A paused sequence is the next one to run."""
        self._sequences.appendleft(sequence)

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
                constraint=operation.constraint,
            )
