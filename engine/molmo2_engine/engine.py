"""The engine's loop: every step admits what fits, then gives every running sequence one token."""

import logging
import threading
import time

from molmo2_contract.errors import Overloaded
from molmo2_engine.batch import Batch, as_wire_error
from molmo2_engine.job import Embed, Embedded, Failed, Finished, Job, Opened, Refuse
from molmo2_engine.kv.prefix_store import PrefixStore
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.scheduler import Scheduler

logger = logging.getLogger(__name__)


class Engine:
    """Answers jobs. ``submit`` may be called from any thread; ``run`` belongs to one."""

    def __init__(
        self,
        runner: ModelRunner,
        prefixes: PrefixStore,
        *,
        end_tokens: frozenset[int],
        max_waiting: int,
        tokens_per_progress: int,
    ) -> None:
        self._runner = runner
        self._prefixes = prefixes
        self._scheduler = Scheduler(max_waiting)
        self._batch = Batch(
            runner,
            end_tokens=end_tokens,
            tokens_per_progress=tokens_per_progress,
            close=self._close,
        )
        self._work = threading.Condition()
        self._stopping = False
        self._step_began: float | None = None
        self._short_of_room = False

    def submit(self, job: Job) -> bool:
        """Takes a job, unless it came without frames and its media is not held: then False.

        Raises:
            Overloaded: when too many jobs wait.
        """
        with self._work:
            if not self._short_of_room:
                job.prefix = self._prefixes.acquire(job.key)
            if job.prefix is None and job.media is None:
                return False
            try:
                self._scheduler.submit(job)
            except Overloaded:
                self._let_go(job)
                raise
            self._work.notify()
            return True

    def run(self) -> None:
        """Steps while there is work, waits while there is none, returns after ``stop``."""
        while not self._stopping:
            with self._work:
                self._work.wait_for(lambda: self._stopping or not self.idle)
            self._step_began = time.monotonic()
            self.step()
            self._step_began = None

    def stop(self) -> None:
        with self._work:
            self._stopping = True
            self._work.notify()

    @property
    def idle(self) -> bool:
        return self._scheduler.idle and not self._batch

    def stalled_for(self) -> float:
        """Seconds that the step in hand has taken; 0 between steps."""
        began = self._step_began
        return time.monotonic() - began if began is not None else 0.0

    def step(self) -> None:
        self._drop_cancelled()
        self._open_jobs()
        self._start_sequences()
        self._batch.decode()

    def _drop_cancelled(self) -> None:
        with self._work:
            for job in self._scheduler.drop_cancelled():
                self._let_go(job)
        for job in self._batch.drop_cancelled():
            self._let_go(job)

    def _open_jobs(self) -> None:
        """Opens every job whose prefix is held, and prefills the media of the next one."""
        with self._work:
            ready = self._scheduler.take_ready()
            first = self._scheduler.first()
        if first is not None and self._give_prefix(first):
            with self._work:
                self._scheduler.remove(first)
            ready.append(first)
        for job in ready:
            job.events.put(Opened(job.prefix.frame_numbers))
            self._scheduler.open(job)
            self._answer_at_once(job)

    def _give_prefix(self, job: Job) -> bool:
        """Finds or prefills the job's prefix; False if it must wait for room, or failed."""
        job.prefix = self._prefixes.acquire(job.key)
        if job.prefix is not None:
            return True
        # While a job waits for room no new job may take hold of a prefix, or it might wait forever.
        self._short_of_room = not self._prefixes.make_room(job.prefix_tokens)
        if self._short_of_room:
            return False
        began = time.monotonic()
        try:
            job.prefix = self._runner.prefill_media(job.key, job.media)
        except Exception as error:
            self._fail_job(job, error)
            return False
        job.media_seconds = time.monotonic() - began
        job.media = None
        self._prefixes.add(job.prefix)
        return True

    def _answer_at_once(self, job: Job) -> None:
        """Closes the operations that generate nothing."""
        for index, operation in enumerate(job.operations):
            match operation:
                case Embed(pooling):
                    self._close(job, self._embedded(job, index, pooling))
                case Refuse(error):
                    self._close(job, Failed(index, error))

    def _embedded(self, job: Job, index: int, pooling: str) -> Embedded:
        waited = time.monotonic() - job.submitted
        return Embedded(
            index=index,
            vector=job.prefix.embeddings[pooling],
            prompt_tokens=job.prefix_tokens,
            cached_tokens=job.cached_tokens(index),
            queued=waited - job.media_seconds,
            prefill=job.media_seconds,
        )

    def _start_sequences(self) -> None:
        while not self._batch.full and (sequence := self._scheduler.next_sequence()):
            self._batch.start(sequence)

    def _fail_job(self, job: Job, error: Exception) -> None:
        logger.error("the prefill of media failed", exc_info=error)
        with self._work:
            self._scheduler.remove(job)
        for index in range(len(job.operations)):
            self._close(job, Failed(index, as_wire_error(error)))

    def _close(self, job: Job, event: Finished | Embedded | Failed) -> None:
        job.close_operation(event)
        if not job.open_operations:
            self._let_go(job)

    def _let_go(self, job: Job) -> None:
        if job.prefix is not None:
            self._prefixes.release(job.prefix)
            job.prefix = None
