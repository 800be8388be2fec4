"""How the model is trained."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """So many steps of one kind."""

    steps: int
    clips: int
    """In a step."""
    rate: float
    """The learning rate while it is held."""
    probes: float
    """The rate of the probes beside it: they begin from nothing."""
    warm_up: int = 40
    """Steps in which the rate grows from nothing."""
    falling: float = 0.6
    """Share of the steps, the last ones, in which it falls to nothing."""

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        grown = min(1.0, (step + 1) / self.warm_up)
        fallen = max(0.0, 1 - (self.steps - step) / (self.falling * self.steps))
        return self.rate * grown * 0.5 * (1 + math.cos(math.pi * fallen))


@dataclass(frozen=True)
class Recipe:
    """First the eyes learn from frames alone; then they rest, and the language model learns.

    The eyes of the checkpoint in this repository have learnt; others need some thousand steps.
    """

    eyes: Stage = Stage(steps=0, clips=64, rate=4e-4, probes=3.0)
    mind: Stage = Stage(steps=900, clips=3, rate=8e-4, probes=2.0)
    weight_decay: float = 0.02
    vectors: float = 2.0
    """Rate of norms and biases beside that of matrices: attention must be let grow sharp."""
    guides: float = 0.06
    """Weight of each guide of the attention beside the words of answers."""
    probes: float = 0.06
    """Weight of each thing that must be readable from visual tokens."""
    kept: float = 0.3
    """Weight of those that matter most."""
    gradient_norm: float = 1.0
    shares: tuple[float, ...] = (0.2, 0.35, 0.45)
    """Of clips with one, two and three shapes."""
