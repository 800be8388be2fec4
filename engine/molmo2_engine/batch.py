"""The running sequences: every decode step gives each of them one token."""

import logging
import time
from collections.abc import Callable

import torch

from molmo2_contract.errors import InternalError, Molmo2Error
from molmo2_engine.job import Failed, Finished, Job, Progressed, Sequence
from molmo2_engine.model.runner import ModelRunner

logger = logging.getLogger(__name__)


class Batch:
    """Sequences of whatever jobs; a sequence's place here is its row in the slots.

    What goes wrong with one sequence ends that sequence. ``close`` hears how each one ended.
    """

    def __init__(
        self,
        runner: ModelRunner,
        *,
        end_tokens: frozenset[int],
        tokens_per_progress: int,
        close: Callable[[Job, Finished | Failed], None],
    ) -> None:
        self._runner = runner
        self._end_tokens = end_tokens
        self._tokens_per_progress = tokens_per_progress
        self._close = close
        self._sequences: list[Sequence] = []

    def __len__(self) -> int:
        return len(self._sequences)

    @property
    def full(self) -> bool:
        return not self._runner.slots.free

    def start(self, sequence: Sequence) -> None:
        """Prefills a sequence's question behind its prefix and gives it its first token."""
        row = self._runner.slots.take(sequence.job.prefix)
        self._sequences.append(sequence)
        sequence.started = time.monotonic()
        try:
            logits = self._runner.prefill_question(row, sequence.question)
        except Exception as error:
            self._fail(row, error)
            return
        sequence.first_token = time.monotonic()
        self._advance(row, logits)

    def decode(self) -> None:
        """One token for every sequence."""
        if not self._sequences:
            return
        try:
            logits = self._runner.decode([sequence.tokens[-1] for sequence in self._sequences])
        except Exception as error:
            for row in self._rows():
                self._fail(row, error)
            return
        for row in self._rows():
            self._advance(row, logits[row])

    def drop_cancelled(self) -> list[Job]:
        """Ends the sequences of cancelled jobs; returns those jobs."""
        cancelled = [row for row in self._rows() if self._sequences[row].job.cancelled]
        return [self._leave(row).job for row in cancelled]

    def _rows(self) -> range:
        """From the last one, so that a row that leaves moves none that is still to come."""
        return range(len(self._sequences) - 1, -1, -1)

    def _advance(self, row: int, logits: torch.Tensor) -> None:
        """Picks a sequence's next token; the sequence leaves when that ends it."""
        sequence = self._sequences[row]
        try:
            token = sequence.sampler.pick(logits)
        except Exception as error:
            self._fail(row, error)
            return
        ended = token in self._end_tokens
        if not ended:
            sequence.tokens.append(token)
        truncated = not ended and len(sequence.tokens) >= sequence.max_new_tokens
        if ended or truncated:
            self._leave(row)
            self._close(sequence.job, sequence.finished(truncated=truncated))
        elif sequence.job.progress and len(sequence.tokens) % self._tokens_per_progress == 0:
            sequence.job.events.put(Progressed(sequence.index, sequence.tokens.copy()))

    def _fail(self, row: int, error: Exception) -> None:
        logger.error("a sequence failed", exc_info=error)
        sequence = self._leave(row)
        self._close(sequence.job, Failed(sequence.index, as_wire_error(error)))

    def _leave(self, row: int) -> Sequence:
        """Frees a row; as in the slots, the last sequence moves into its place."""
        self._runner.slots.release(row)
        leaving = self._sequences[row]
        self._sequences[row] = self._sequences[-1]
        self._sequences.pop()
        return leaving


def as_wire_error(error: Exception) -> Molmo2Error:
    """What a caller is told of an exception in the engine."""
    if isinstance(error, Molmo2Error):
        return error
    return InternalError(f"the engine failed on this operation: {type(error).__name__}: {error}")
