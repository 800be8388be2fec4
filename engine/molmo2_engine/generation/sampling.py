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
    """How one sequence picks; owns its random state, so company changes nothing."""

    def __init__(self, parameters: SamplingParameters) -> None:
        self.temperature = parameters.temperature
        self.top_p = parameters.top_p
        self._random = torch.Generator()
        if parameters.seed is None:
            self._random.seed()
        else:
            self._random.manual_seed(parameters.seed)

    @property
    def greedy(self) -> bool:
        return self.temperature == 0

    def chance(self) -> float:
        """The next number of its own, in [0, 1)."""
        return float(torch.rand((), generator=self._random))


def next_tokens(
    logits: torch.Tensor, samplers: list[Sampler], allowed: torch.Tensor | None = None
) -> list[int | None]:
    """A token for each row of logits [rows, vocabulary]; None where they are not all finite.

    Everything is found where the logits are; the tokens alone are waited for and copied.
    ``allowed``: bool [rows, vocabulary], with at least one token in each row; None for all.
    """
    finite = torch.isfinite(logits).all(-1)
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    picked = logits.argmax(-1)
    drawing = [row for row, sampler in enumerate(samplers) if not sampler.greedy]
    if drawing:
        picked[drawing] = _draw(logits[drawing], [samplers[row] for row in drawing])
    return [None if token < 0 else token for token in picked.where(finite, -1).tolist()]


def _draw(logits: torch.Tensor, samplers: list[Sampler]) -> torch.Tensor:
    """A token by chance for each row, int64 [rows].

    Of the fewest likeliest tokens whose probabilities reach ``top_p``, the one at whose turn the
    summed probabilities pass the row's random number.
    """
    told = torch.tensor([[s.temperature, s.top_p, s.chance()] for s in samplers])
    temperature, top_p, chance = told.to(logits.device, non_blocking=True)[:, :, None].unbind(1)
    ordered, order = torch.softmax(logits.float() / temperature, -1).sort(descending=True)
    nucleus = ordered.where(ordered.cumsum(-1) - ordered < top_p, 0)
    sums = nucleus.cumsum(-1)
    place = torch.searchsorted(sums, chance * sums[:, -1:], right=True)
    last = (nucleus > 0).sum(-1, keepdim=True) - 1  # the product may round up to the whole sum
    return order.gather(-1, place.minimum(last).clamp(min=0))[:, 0]
