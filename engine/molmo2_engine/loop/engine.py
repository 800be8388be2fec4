"""The engine's loop: every step admits what fits, then gives every running sequence one token."""

import logging
import threading
import time

from molmo2_contract.errors import Overloaded
from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.prefix_store import PrefixStore
from molmo2_engine.loop.batch import Batch
from molmo2_engine.loop.failure import as_wire_error
from molmo2_engine.loop.job import Embed, Embedded, Failed, Finished, Job, Opened, Refuse
from molmo2_engine.loop.limits import LoopLimits
from molmo2_engine.loop.pace import Pace
from molmo2_engine.loop.room import Room
from molmo2_engine.loop.scheduler import Scheduler
from molmo2_engine.metrics.counters import Counters
from molmo2_engine.model.runner import ModelRunner

logger = logging.getLogger(__name__)


class Engine:
    """Answers jobs. ``submit`` may be called from any thread; ``run`` belongs to one."""

    def __init__(
        self,
        runner: ModelRunner,
        end_tokens: frozenset[int],
        limits: LoopLimits,
        counters: Counters,
    ) -> None:
        self._runner = runner
        self._counters = counters
        self.limits = limits
        self.pool = PagePool(runner.cache.pages, runner.cache.page_tokens)
        self.prefixes = PrefixStore(self.pool)
        self._room = Room(self.pool, self.prefixes)
        self._pace = Pace(limits.decode_share)
        self.scheduler = Scheduler(limits.max_waiting_requests)
        self.batch = Batch(
            runner,
            self.pool,
            self.prefixes,
            end_tokens=end_tokens,
            limits=limits,
            counters=counters,
            close=self._close,
        )
        self._work = threading.Condition()
        self._stopping = False
        self._step_began: float | None = None
        self._short_of_room = False

    def submit(self, job: Job) -> bool:
        """Takes a job, unless it came without frames and its media is not at hand: then False.

        Raises:
            Overloaded: when too many jobs wait.
        """
        with self._work:
            held = not self._short_of_room and self._room.hold(job)
            if not held and job.media is None:
                job.media = self.scheduler.media_of(job.key)
                if job.media is None:
                    return False
            try:
                self.scheduler.submit(job)
            except Overloaded:
                self._room.leave(job)
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
        return self.scheduler.idle and not self.batch

    def stalled_for(self) -> float:
        """Seconds that the step in hand has taken; 0 between steps."""
        began = self._step_began
        return time.monotonic() - began if began is not None else 0.0

    def step(self) -> None:
        self._drop_cancelled()
        self._open_jobs()
        self._start_sequences()
        self._decode()

    def _drop_cancelled(self) -> None:
        with self._work:
            dropped = self.scheduler.drop_cancelled()
            if self.scheduler.next_to_prefill() is None:
                self._short_of_room = False  # who waited for room has gone
        for job in {*dropped, *self.batch.drop_cancelled()}:
            self._counters.cancelled(job)
            self._room.leave(job)

    def _open_jobs(self) -> None:
        """Prefills the media of the next job, and opens every job whose prefix is there."""
        with self._work:
            waiting = self.scheduler.next_to_prefill()
        if waiting is not None and self._pace.may_prefill(len(self.batch)):
            self._give_prefix(waiting)
        with self._work:
            if not self._short_of_room:
                self.scheduler.find_ready(self._room.hold)
            opened = self.scheduler.take_ready()
        for job in opened:
            self._counters.opened(job)
            job.events.put(Opened(job.prefix.frame_numbers))
            self.scheduler.open(job)
            self._answer_at_once(job)

    def _give_prefix(self, job: Job) -> None:
        """Finds or prefills the job's prefix, unless it must wait for room."""
        if self._room.hold(job):
            self._short_of_room = False
            return
        # While a job waits for room no other may take hold of a prefix, or it might wait on.
        pages = self._room.make(job)
        self._short_of_room = pages is None
        if pages is not None:
            self._prefill(job, pages)

    def _prefill(self, job: Job, pages: list[int]) -> None:
        began = time.monotonic()
        try:
            job.prefix = self._runner.prefill_media(job.key, job.media, pages)
        except Exception as error:
            self._room.abandon(pages)
            self._fail_job(job, error)
            return
        finally:
            self.scheduler.prefilled()
        job.media_seconds = time.monotonic() - began
        job.media = None
        self._room.fill(job)
        self._pace.prefilled(job.media_seconds)

    def _answer_at_once(self, job: Job) -> None:
        """Closes the operations that generate nothing."""
        for index, operation in enumerate(job.operations):
            match operation:
                case Embed():
                    self._close(job, self._embedded(job, index, operation))
                case Refuse(error):
                    self._close(job, Failed(index, error))

    def _embedded(self, job: Job, index: int, asked: Embed) -> Embedded:
        prefix = job.prefix
        return Embedded(
            index=index,
            vector=prefix.embeddings[asked.pooling],
            frame_vectors=prefix.frame_embeddings.get(asked.pooling) if asked.per_frame else None,
            prompt_tokens=job.prefix_tokens,
            cached_tokens=job.cached_tokens(index),
            queued=job.waited() - job.media_seconds,
            prefill=job.media_seconds,
        )

    def _start_sequences(self) -> None:
        while (sequence := self.scheduler.next_sequence()) and self.batch.admits(sequence):
            self.scheduler.started()
            self.batch.start(sequence)

    def _decode(self) -> None:
        began = time.monotonic()
        for sequence in self.batch.step():
            self.scheduler.resume(sequence)
        self._pace.decoded(time.monotonic() - began)

    def _fail_job(self, job: Job, error: Exception) -> None:
        logger.error("request %s: the media's prefill failed", job.request_id, exc_info=error)
        with self._work:
            self.scheduler.remove(job)
        for index in range(len(job.operations)):
            self._close(job, Failed(index, as_wire_error(error)))

    def _close(self, job: Job, event: Finished | Embedded | Failed) -> None:
        job.close_operation(event)
        self._counters.closed(job, event)
        if not job.open_operations:
            self._room.leave(job)
