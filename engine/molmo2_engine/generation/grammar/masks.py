"""Which tokens the rows of a batch may take next."""

from collections.abc import Sequence

import torch
from llguidance import LLExecutor, LLMatcher
from llguidance.numpy import fill_next_token_bitmask, fill_next_token_bitmask_par

from molmo2_engine.generation.grammar.constraint import Constraint

_ALL = -1
"""A word of a mask in which every bit is set."""


class TokenMasks:
    """A bit a token, set where the token is allowed: 32 of them in a word, lowest bit first.

    The words are found on the CPU, after a GPU was given the pass whose tokens they are for and
    while it is at work, by threads of their own. Where the CPU is the device, its cores are the
    model's, and one row after the other is faster than to wait for threads.
    """

    def __init__(self, max_rows: int, device: torch.device) -> None:
        self._max_rows = max_rows
        self._device = device
        self._shifts = torch.arange(32, dtype=torch.int32, device=device)
        self._threads = LLExecutor() if device.type == "cuda" else None
        self._words: torch.Tensor | None = None

    def allowed(self, constraints: Sequence[Constraint | None]) -> torch.Tensor | None:
        """Bool [rows, vocabulary] on the device, where None stands for a row that is free.

        None if all rows are free. A row whose grammar fails in this may only end; its constraint
        says so when it goes on.
        """
        held = [(each, row) for row, each in enumerate(constraints) if each is not None]
        if not held:
            return None
        vocabulary = held[0][0].vocabulary
        words = self._room(len(constraints), vocabulary).fill_(_ALL)
        self._fill([(each.matcher, row) for each, row in held], words)
        bits = (words.to(self._device, non_blocking=True)[:, :, None] >> self._shifts) & 1
        return bits.flatten(1)[:, :vocabulary].bool()

    def _room(self, rows: int, vocabulary: int) -> torch.Tensor:
        if self._words is None:
            self._words = torch.empty(
                (self._max_rows, -(-vocabulary // 32)),
                dtype=torch.int32,
                pin_memory=self._device.type == "cuda",
            )
        return self._words[:rows]

    def _fill(self, held: list[tuple[LLMatcher, int]], words: torch.Tensor) -> None:
        rows = words.numpy()
        if self._threads is not None:
            fill_next_token_bitmask_par(self._threads, held, rows)
            return
        for matcher, row in held:
            fill_next_token_bitmask(matcher, rows, row)
