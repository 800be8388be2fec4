"""From logits to the next token of each sequence."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class SamplingParameters:
    """``temperature`` 0 is greedy; ``top_p`` in (0, 1]; ``seed`` repeats an answer."""

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None


class Sampler:
    """Picks the tokens of one sequence; owns its random state, so company changes nothing."""

    def __init__(self, parameters: SamplingParameters) -> None:
        self._temperature = parameters.temperature
        self._top_p = parameters.top_p
        self._random = torch.Generator()
        if parameters.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(parameters.seed)

    @property
    def greedy(self) -> bool:
        return self._temperature == 0

    def draw(self, logits: torch.Tensor) -> int:
        """A token by chance, from finite logits [vocabulary]."""
        probabilities = torch.softmax(logits.float().cpu() / self._temperature, dim=-1)
        return int(self._nucleus(probabilities).multinomial(1, generator=self._random))

    def _nucleus(self, probabilities: torch.Tensor) -> torch.Tensor:
        """Keeps the fewest likeliest tokens whose probabilities reach ``top_p``."""
        if self._top_p >= 1:
            return probabilities
        ordered, order = probabilities.sort(descending=True)
        beyond = ordered.cumsum(0) - ordered >= self._top_p
        return probabilities.index_fill(0, order[beyond], 0)


def next_tokens(
    logits: torch.Tensor, samplers: list[Sampler], allowed: torch.Tensor | None = None
) -> list[int | None]:
    """A token for each row of logits [rows, vocabulary]; None where they are not all finite.

    ``allowed``: bool [rows, vocabulary], with at least one token in each row; None for all.
    """
    finite = torch.isfinite(logits).all(-1).tolist()
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    likeliest = logits.argmax(-1).tolist()
    rows = zip(samplers, logits, finite, likeliest, strict=True)
    return [
        (token if sampler.greedy else sampler.draw(row)) if is_finite else None
        for sampler, row, is_finite, token in rows
    ]
