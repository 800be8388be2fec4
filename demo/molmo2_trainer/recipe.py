"""How the model is trained."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Rates follow the share of the time that has passed, so that any budget ends well."""

    minutes: float
    clips: int = 64
    """In a step."""
    learning_rate: float = 8e-4
    warm_up: float = 0.01
    """Share of the time in which the learning rate grows from nothing."""
    hold: float = 0.6
    """Share of the time after which it falls."""
    last_rate: float = 0.02
    """What is left of it at the end."""
    weight_decay: float = 0.05
    sight: float = 0.3
    """Weight of the second task."""
    gradient_norm: float = 1.0

    def rate(self, passed: float) -> float:
        """The learning rate when ``passed`` of the time (0 to 1) has passed."""
        if passed < self.warm_up:
            return self.learning_rate * passed / self.warm_up
        falling = max(0.0, min(1.0, (passed - self.hold) / (1 - self.hold)))
        left = self.last_rate + (1 - self.last_rate) * 0.5 * (1 + math.cos(math.pi * falling))
        return self.learning_rate * left

    def shares(self, passed: float) -> tuple[float, float, float]:
        """The shares of clips with one, two and three shapes; few at first."""
        if passed < 0.15:
            return 0.5, 0.4, 0.1
        return 0.2, 0.4, 0.4
