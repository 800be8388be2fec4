"""When a model was last seen to generate."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from molmo2_ops.observation import ModelState


@dataclass
class Proof:
    """Of one model: a token came that was asked for, or one of its own engines advanced while its
    workers were at requests.

    While all its workers are at requests, each within its time (those that are not are ended, see
    the handler's pulse), as when all decode long videos, the last proof stays good: there is nobody
    left to ask. Not when a request, or what was asked, has failed by the server's fault since.

    A model that answers ``embed`` only is proved by a vector. The engine may hold it; then no token
    is read or written for it.
    """

    at: float | None = None
    """As time.monotonic says."""
    failure: str = "no token was generated yet"
    _faults: float = 0.0
    _doubted: bool = False

    def given(self) -> None:
        """The model has generated."""
        self.at, self._doubted = time.monotonic(), False

    def refused(self, why: str, may_be_load: bool) -> None:
        """The model was asked for a token, and did not give it."""
        self.failure = why
        self._doubted = self._doubted or not may_be_load

    def is_older_than(self, seconds: float) -> bool:
        """Also where there is none."""
        return self.at is None or time.monotonic() - self.at > seconds

    def take(
        self, model: ModelState, away: Collection[str], advanced: Callable[[str], bool]
    ) -> None:
        """Takes in what one look showed of the model.

        Args:
            away: the engines that do not live.
            advanced: whether an engine has done work since the look before.
        """
        self._doubted = self._doubted or model.failed > self._faults
        self._faults = model.failed
        if not model.workers.alive or any(engine in away for engine in model.engines):
            self.at = None  # what it could do before says nothing now
        elif model.running and any(map(advanced, model.engines)):
            self.given()
        elif self.at is not None and not self._doubted and _is_full(model):
            self.at = time.monotonic()


def _is_full(model: ModelState) -> bool:
    """Whether callers' requests have all workers: one that a canary has is not one of those."""
    return model.running - model.canaries >= model.workers.alive
