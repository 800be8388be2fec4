"""The orderly end: no new requests, then the answers that are owed, then nothing."""

import time
from collections.abc import Callable, Collection
from pathlib import Path

from molmo2_contract.run_directory import DRAINING
from molmo2_ops.drain_report import DrainReport
from molmo2_ops.observation import Observation
from molmo2_ops.sockets import is_listening, unsent_bytes

_SECONDS_BETWEEN_LOOKS = 0.1
_LOOKS = 3
"""In a row that must find nothing in flight: a request may be between queue and worker."""


class Drain:
    """Stops the admission of one server, and waits for what it owes.

    Request workers refuse what comes while the file ``draining`` is there; its bytes are counted
    down by the requests that waited in the queue when it was written (see the handler's gate).
    What waits for a model that has not loaded yet is not owed: it would be waited for in vain.

    A server that does not answer is not quiet: it is asked on. Only where nobody listens on its
    ports can nothing be in flight.
    """

    def __init__(
        self,
        look: Callable[[], Observation],
        run_directory: Path,
        ports: tuple[int, ...],
        loaded: Collection[str],
    ) -> None:
        """``loaded`` are the models that have answered; ``ports`` are TorchServe's of inference."""
        self._look = look
        self._loaded = loaded
        self._file = run_directory / DRAINING
        self._ports = ports
        self._owed: int | None = None
        self._left: int | None = None
        self._answering = False

    def begin(self, last: Observation) -> None:
        """From now on new requests are told ``overloaded``; ``last`` is what was seen last."""
        seen = self._look()
        known = seen if seen.reachable else last
        part = self._file.with_suffix(".part")
        part.write_bytes(bytes(self._waiting(known)))
        part.rename(self._file)
        if known.reachable:
            self._left = self._running(known) + self._waiting(known)
        self._answering = seen.reachable
        if seen.reachable:
            self._owed = self._left

    def wait(self, grace: float, tell: Callable[[Observation], None]) -> DrainReport:
        """Until everything owed is answered and sent, or ``grace`` seconds are over."""
        began = time.monotonic()
        quiet = unsent = 0
        while quiet < _LOOKS and time.monotonic() - began < grace:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            seen = self._look()
            tell(seen)
            self._answering = seen.reachable
            if seen.reachable:
                self._count(seen)
            elif not is_listening(self._ports):
                return self._ended(time.monotonic() - began)
            unsent = unsent_bytes(self._ports)
            quiet = quiet + 1 if seen.reachable and not self._left and not unsent else 0
        seconds = time.monotonic() - began
        return DrainReport(seconds, self._owed, self._left, unsent, self._answering)

    def _count(self, seen: Observation) -> None:
        self._left = self._running(seen) + min(self._waiting(seen), self._file.stat().st_size)
        if self._owed is None:
            self._owed = self._left

    def _ended(self, seconds: float) -> DrainReport:
        """Nobody listens: what was in flight is lost, and nothing was where nobody ever did."""
        left = self._left or 0
        return DrainReport(
            seconds, left if self._owed is None else self._owed, left, unsent=0, ended=True
        )

    def _running(self, seen: Observation) -> int:
        return sum(model.running for model in seen.models)

    def _waiting(self, seen: Observation) -> int:
        return sum(
            model.listed.pending
            for model in seen.models
            if model.is_loaded or model.address in self._loaded
        )
