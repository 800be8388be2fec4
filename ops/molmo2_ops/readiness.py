"""Whether a server would answer now, and whether it still can at all."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from molmo2_ops.engine_progress import EngineProgress
from molmo2_ops.observation import ModelState, Observation
from molmo2_ops.proof import Proof


@dataclass(frozen=True)
class Reasons:
    """What speaks against readiness: of the server as a whole, and of each model by its address."""

    server: list[str] = field(default_factory=list)
    models: dict[str, list[str]] = field(default_factory=dict)

    @property
    def all(self) -> list[str]:
        """Each once: models may share an engine."""
        of_models = (reason for reasons in self.models.values() for reason in reasons)
        return list(dict.fromkeys([*self.server, *of_models]))


@dataclass
class Readiness:
    """Judges observations. A server is ready when it was seen to generate lately, and not else.

    Names of models are their addresses.
    """

    proof_seconds: float
    hopeless_seconds: float
    draining: bool = False
    _proofs: dict[str, Proof] = field(default_factory=dict)
    _engines: EngineProgress = field(default_factory=EngineProgress)
    _reasons: Reasons = field(default_factory=lambda: Reasons(["nothing was looked at yet"]))
    _looked: float = field(default_factory=time.monotonic)
    _last_ready: float = field(default_factory=time.monotonic)
    _was_ready: bool = False

    def judge(self, seen: Observation) -> None:
        """Takes in what one look at the server showed, of the models that are to have workers."""
        self._looked = now = time.monotonic()
        self._engines.look(seen.engines, now)
        away = {engine.name for engine in seen.engines if not engine.alive}
        for model in seen.models:
            proof = self._proofs.setdefault(model.address, Proof())
            proof.take(model, away, self._engines.advanced)
        self._reasons = Reasons(
            list(_why_not(seen)),
            {model.address: list(self._why_model_is_not(model, away)) for model in seen.models},
        )
        if not self._reasons.all:
            self._last_ready, self._was_ready = now, True

    def generated(self, model: str) -> None:
        """A token came that was asked for."""
        self._proofs.setdefault(model, Proof()).given()

    def failed(self, model: str, why: str, may_be_load: bool) -> None:
        """A token that was asked for did not come; maybe only because others were before it."""
        self._proofs.setdefault(model, Proof()).refused(why, may_be_load)

    def wants_proof(self, model: str, after: float) -> bool:
        """Whether the model was not seen to generate for ``after`` seconds."""
        return self._proofs.setdefault(model, Proof()).is_older_than(after)

    @property
    def why_not(self) -> list[str]:
        """What speaks against readiness; nothing does when the server is ready."""
        return [*self._why_server_is_not(), *self._reasons.all]

    @property
    def ready(self) -> bool:
        return not self.why_not

    @property
    def admitting(self) -> bool:
        """Whether the server has been ready once and is not being drained."""
        return self._was_ready and not self.draining

    def model_is_ready(self, model: str) -> bool:
        """False of a model that the last look did not show."""
        server = [*self._why_server_is_not(), *self._reasons.server]
        return not server and self._reasons.models.get(model) == []

    @property
    def why_dead(self) -> str | None:
        """Why nothing but a restart will help, or None."""
        if self._stale:
            return self._stale
        unready = time.monotonic() - self._last_ready
        if not self.draining and unready > self.hopeless_seconds:
            return f"not ready for {unready:.0f} s"
        return None

    @property
    def _stale(self) -> str:
        """That nobody looks any more; empty while somebody does."""
        ago = time.monotonic() - self._looked
        return f"nobody has looked at the server for {ago:.0f} s" * (ago > self.proof_seconds)

    def _why_server_is_not(self) -> Iterator[str]:
        """What is known without a look."""
        if self.draining:
            yield "the server is being drained"
        if self._stale:
            yield self._stale

    def _why_model_is_not(self, model: ModelState, away: set[str]) -> Iterator[str]:
        now = time.monotonic()
        for name in sorted(model.engines):
            still = self._engines.stands_still(name, now)
            if name in away:
                yield f"engine {name} is away"
            elif still > self.proof_seconds:
                yield f"engine {name} has not advanced for {still:.0f} s"
        proof = self._proofs[model.address]
        if not model.workers.alive:
            yield f"{model.name}: no worker is alive"
        elif proof.is_older_than(self.proof_seconds):
            yield f"{model.name}: {proof.failure}"


def _why_not(seen: Observation) -> Iterator[str]:
    if not seen.reachable:
        yield "TorchServe does not answer"
    elif not seen.models:
        yield "TorchServe has no model that is to have workers"
