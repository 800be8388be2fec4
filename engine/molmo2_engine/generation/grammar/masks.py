"""Which tokens the rows of a batch may take next, found while the model is at work."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from llguidance import LLExecutor
from llguidance.numpy import fill_next_token_bitmask_par

from molmo2_engine.generation.grammar.constraint import Constraint

_ALL = -1
"""A word of a mask in which every bit is set."""


class TokenMasks:
    """A bit a token, set where the token is allowed: 32 of them in a word, lowest bit first."""

    def __init__(self, max_rows: int, device: torch.device) -> None:
        self._max_rows = max_rows
        self._device = device
        self._shifts = torch.arange(32, dtype=torch.int32, device=device)
        self._words = torch.empty(0)
        self._pool = LLExecutor()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="grammar")
        self._filling: Future[None] | None = None
        self._rows = self._vocabulary = 0

    def begin(self, constraints: Sequence[Constraint | None]) -> None:
        """Starts to find the masks of these rows; None stands for a row that is free.

        Until ``allowed`` was called, the constraints must be left alone.
        """
        if self._filling is not None:
            self._filling.result()
        self._rows = len(constraints)
        held = [(each.matcher, row) for row, each in enumerate(constraints) if each is not None]
        if not held:
            self._filling = None
            return
        if not self._vocabulary:
            self._vocabulary = next(each.vocabulary for each in constraints if each is not None)
            self._words = self._allocate()
        self._words[: self._rows].fill_(_ALL)
        self._filling = self._thread.submit(
            fill_next_token_bitmask_par, self._pool, held, self._words.numpy()
        )

    def allowed(self) -> torch.Tensor | None:
        """Bool [rows, vocabulary] on the device; None where all rows are free.

        A row whose grammar failed in this may only end; its constraint says so when it goes on.
        """
        if self._filling is None:
            return None
        self._filling.result()
        words = self._words[: self._rows].to(self._device, non_blocking=True)
        bits = (words[:, :, None] >> self._shifts) & 1
        return bits.flatten(1)[:, : self._vocabulary].bool()

    def _allocate(self) -> torch.Tensor:
        """Once a grammar is met: it tells how many tokens there are."""
        shape = (self._max_rows, -(-self._vocabulary // 32))
        return torch.empty(shape, dtype=torch.int32, pin_memory=self._device.type == "cuda")
