"""The running sequences: every step gives each of them one token."""

import logging
import time
from collections.abc import Callable

import torch

from molmo2_engine.generation.grammar import Constraint, GrammarFailed, TokenMasks
from molmo2_engine.generation.sampling import next_tokens
from molmo2_engine.kv.pages import PagePool
from molmo2_engine.kv.prefix_store import PrefixStore
from molmo2_engine.kv.table import PageTable
from molmo2_engine.loop.failure import as_wire_error
from molmo2_engine.loop.job import Failed, Finished, Job, Progressed, Sequence
from molmo2_engine.loop.limits import LoopLimits
from molmo2_engine.loop.passes import Pass, plan_passes
from molmo2_engine.metrics.counters import Counters
from molmo2_engine.model.pooling import NotFinite
from molmo2_engine.model.runner import ModelRunner

logger = logging.getLogger(__name__)


class Batch:
    """Sequences of whatever jobs, those that run longest first.

    Pages are taken as the sequences grow. When there are no more, the last one is paused: it
    gives its pages back and goes on later, from its tokens. What goes wrong with one sequence
    ends that sequence. ``close`` hears how each one ended.
    """

    def __init__(
        self,
        runner: ModelRunner,
        pool: PagePool,
        prefixes: PrefixStore,
        *,
        end_tokens: frozenset[int],
        limits: LoopLimits,
        counters: Counters,
        close: Callable[[Job, Finished | Failed], None],
    ) -> None:
        self._runner = runner
        self._pool = pool
        self._prefixes = prefixes
        self._end_tokens = end_tokens
        self._limits = limits
        self._counters = counters
        self._close = close
        self._masks = TokenMasks(limits.max_sequences, runner.cache.device)
        self.running: list[Sequence] = []

    def __len__(self) -> int:
        return len(self.running)

    def admits(self, sequence: Sequence) -> bool:
        """Whether there is a place, and pages for what it must read and for the others' next."""
        if len(self.running) >= self._limits.max_sequences:
            return False
        pages = self._pool.needed(len(sequence.unread)) + 1 + len(self.running)
        return not self.running or self._prefixes.make_room(pages)

    def start(self, sequence: Sequence) -> None:
        """Lets an admitted sequence run from the next step on."""
        self._prefixes.make_room(1)
        sequence.table = PageTable(sequence.job.prefix, self._pool, self._runner.cache)
        if not sequence.started:
            sequence.started = time.monotonic()
            self._counters.started(sequence)
        self.running.append(sequence)

    def step(self) -> list[Sequence]:
        """One token for every sequence; those that have much to read take turns.

        Returns the sequences that were paused for want of pages.
        """
        paused = self._find_pages()
        for each in plan_passes(self.running, self._limits.max_step_tokens):
            self._extend(each)
        return paused

    def drop_cancelled(self) -> list[Job]:
        """Ends the sequences of cancelled jobs; returns those jobs."""
        cancelled = [sequence for sequence in self.running if sequence.job.cancelled]
        for sequence in cancelled:
            self._leave(sequence)
        return [sequence.job for sequence in cancelled]

    def _find_pages(self) -> list[Sequence]:
        """Makes room for the step; pauses the last sequences where that is needed."""
        paused = []
        while not self._prefixes.make_room(self._lacking()) and len(self.running) > 1:
            sequence = self._leave(self.running[-1])
            sequence.unread = sequence.question + sequence.tokens
            paused.append(sequence)
        return paused

    def _lacking(self) -> int:
        return sum(sequence.table.lacks(len(sequence.unread)) for sequence in self.running)

    def _extend(self, each: Pass) -> None:
        """Runs the model; every sequence that has then read everything gets its next token."""
        began = time.monotonic()
        read = each.tokens()
        pairs = list(zip(each.sequences, read, strict=True))
        try:
            for sequence, tokens in pairs:
                sequence.table.grow(len(tokens))
            logits = self._runner.extend([sequence.table for sequence in each.sequences], read)
        except Exception as error:
            self._find_culprit(each, error)
            return
        try:
            picked = self._pick(logits, pairs)
        except Exception as error:  # of all rows at once: nobody knows whose it is
            for sequence in each.sequences:
                self._fail(sequence, error)
            return
        self._counters.extended(sum(map(len, read)), time.monotonic() - began)
        for (sequence, tokens), token in zip(pairs, picked, strict=True):
            del sequence.unread[: len(tokens)]
            self._advance(sequence, token)

    def _pick(
        self, logits: torch.Tensor, pairs: list[tuple[Sequence, list[int]]]
    ) -> list[int | None]:
        allowed = self._masks.allowed([_constraint_after(*pair) for pair in pairs])
        return next_tokens(logits, [sequence.sampler for sequence, _ in pairs], allowed)

    def _find_culprit(self, failed: Pass, error: Exception) -> None:
        """Runs its sequences one by one, so that only those end that fail alone."""
        if len(failed.sequences) == 1:
            self._fail(failed.sequences[0], error)
            return
        for each in failed.one_by_one():
            self._extend(each)

    def _advance(self, sequence: Sequence, token: int | None) -> None:
        """Takes a sequence's next token; the sequence leaves when that ends it.

        While it has text to read there is no next token.
        """
        if token is None:
            self._fail(sequence, NotFinite("the model's logits are not finite"))
            return
        if sequence.unread:
            return
        try:
            taken = sequence.take(token)
        except GrammarFailed as error:
            self._fail(sequence, error)
            return
        if not sequence.first_token:
            sequence.first_token = time.monotonic()
            self._counters.first_token(sequence)
        if token in self._end_tokens:
            self._finish(sequence, truncated=False)
            return
        room = sequence.max_new_tokens - len(sequence.tokens)
        self._write(sequence, taken[:room])
        if len(taken) > room or (len(taken) == room and not sequence.complete):
            self._finish(sequence, truncated=True)
        elif sequence.complete:
            self._finish(sequence, truncated=False)

    def _write(self, sequence: Sequence, tokens: list[int]) -> None:
        every = self._limits.tokens_per_progress
        told = len(sequence.tokens) // every
        sequence.tokens += tokens
        sequence.unread = tokens
        self._counters.wrote(len(tokens))
        if sequence.job.progress and len(sequence.tokens) // every > told:
            sequence.job.events.put(Progressed(sequence.index, sequence.tokens.copy()))

    def _finish(self, sequence: Sequence, *, truncated: bool) -> None:
        self._leave(sequence)
        self._close(sequence.job, sequence.finished(truncated=truncated))

    def _fail(self, sequence: Sequence, error: Exception) -> None:
        logger.error("request %s: a sequence failed", sequence.job.request_id, exc_info=error)
        self._runner.cache.clear(sequence.table.own)
        self._leave(sequence)
        self._close(sequence.job, Failed(sequence.index, as_wire_error(error)))

    def _leave(self, sequence: Sequence) -> Sequence:
        self.running.remove(sequence)
        sequence.table.release()
        return sequence


def _constraint_after(sequence: Sequence, read: list[int]) -> Constraint | None:
    """What picks a sequence's next token, if it has one after ``read``."""
    return sequence.constraint if len(read) == len(sequence.unread) else None
