"""The orderly end: no new requests, then the answers that are owed, then nothing."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from molmo2_ops.observation import Observation, Observer
from molmo2_ops.unsent import unsent_bytes

DRAINING = "draining"
"""Name of the file in the run directory."""

_SECONDS_BETWEEN_LOOKS = 0.1
_LOOKS = 3
"""In a row that must find nothing in flight: a request may be between queue and worker."""


@dataclass(frozen=True)
class DrainReport:
    """What a drain came to."""

    seconds: float
    owed: int
    """Requests that were in flight when it began."""
    left: int
    """Requests that were still in flight when its time was up."""

    def __str__(self) -> str:
        if self.left:
            return (
                f"drained for {self.seconds:.1f} s: {self.left} of {self.owed} requests in flight "
                "were not answered in time; raise the grace period"
            )
        return f"drained in {self.seconds:.1f} s: all {self.owed} requests in flight were answered"


class Drain:
    """Stops the admission of one server, and waits for what it owes.

    Request workers refuse what comes while the file ``draining`` is there; its bytes are counted
    down by the requests that waited in the queue when it was written (see the handler's gate).
    What waits for a model that has not loaded yet is not owed: it would be waited for in vain.
    """

    def __init__(
        self,
        observer: Observer,
        run_directory: Path,
        ports: tuple[int, ...],
        loaded: Collection[str],
    ) -> None:
        """``loaded`` are the models that have answered; ``ports`` are TorchServe's of inference."""
        self._observer = observer
        self._loaded = loaded
        self._file = run_directory / DRAINING
        self._ports = ports

    def begin(self) -> int:
        """From now on new requests are told ``overloaded``; says how many are in flight."""
        seen = self._observer.look()
        waiting = self._waiting(seen)
        part = self._file.with_suffix(".part")
        part.write_bytes(bytes(waiting))
        part.rename(self._file)
        return self._running(seen) + waiting

    def wait(self, owed: int, grace: float, tell: Callable[[Observation], None]) -> DrainReport:
        """Until everything owed is answered and sent, or ``grace`` seconds are over."""
        began = time.monotonic()
        quiet, left = 0, owed
        while quiet < _LOOKS and time.monotonic() - began < grace:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            seen = self._observer.look()
            tell(seen)
            if seen.reachable:
                left = self._left(seen)
            quiet = 0 if left or unsent_bytes(self._ports) else quiet + 1
        return DrainReport(time.monotonic() - began, owed, left)

    def _left(self, seen: Observation) -> int:
        return self._running(seen) + min(self._waiting(seen), self._file.stat().st_size)

    def _running(self, seen: Observation) -> int:
        return sum(model.running for model in seen.models)

    def _waiting(self, seen: Observation) -> int:
        return sum(
            model.listed.pending
            for model in seen.models
            if model.is_loaded or model.address in self._loaded
        )
