"""Beside the released ``generate``: grammars are held to, and somebody listens meanwhile."""

from collections.abc import Callable, Collection

import torch
from transformers import LogitsProcessor, StoppingCriteria

from molmo2_engine.generation.grammar import Constraint, TokenMasks
from molmo2_engine.model.pooling import NotFinite


class Following(LogitsProcessor):
    """Lets through only what the answer's grammar allows next, as the engine does."""

    def __init__(
        self, constraint: Constraint | None, prompt_tokens: int, end_tokens: Collection[int]
    ) -> None:
        self._constraint = constraint
        self._masks = TokenMasks(1, torch.device("cpu"))
        self._read = prompt_tokens
        self._end_tokens = list(end_tokens)
        self._forced: list[int] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """``input_ids`` [1, tokens] are prompt and answer, ``scores`` [1, vocabulary].

        Raises:
            NotFinite: if the model computed no numbers.
            GrammarFailed: if the grammar cannot be followed further.
        """
        if not torch.isfinite(scores).all():
            raise NotFinite("the model's logits are not finite")
        if self._constraint is None:
            return scores
        self._take(input_ids)
        if self._forced:
            return _only(self._forced[:1], scores)
        if self._constraint.complete:
            return _only(self._end_tokens, scores)
        allowed = self._masks.allowed([self._constraint])
        return scores.masked_fill(~allowed.to(scores.device), -torch.inf)

    def completes(self, input_ids: torch.Tensor) -> bool:
        """Whether the grammar leaves nothing to write behind ``input_ids``."""
        if self._constraint is None:
            return False
        self._take(input_ids)
        return self._constraint.complete and not self._forced

    def _take(self, input_ids: torch.Tensor) -> None:
        """Goes on by the tokens that are new."""
        for token in input_ids[0, self._read :].tolist():
            if self._forced:
                del self._forced[0]
            elif token not in self._end_tokens:
                self._forced = self._constraint.take(token)
        self._read = input_ids.shape[1]


def _only(tokens: list[int], scores: torch.Tensor) -> torch.Tensor:
    kept = torch.full_like(scores, -torch.inf)
    kept[:, tokens] = scores[:, tokens]
    return kept


class Listening(StoppingCriteria):
    """Hears of each token, with those so far; the answer ends where it returns True."""

    def __init__(self, prompt_tokens: int, hear: Callable[[list[int]], bool]) -> None:
        self._prompt_tokens = prompt_tokens
        self._hear = hear

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
        stop = self._hear(input_ids[0, self._prompt_tokens :].tolist())
        return torch.tensor([stop], device=input_ids.device)
