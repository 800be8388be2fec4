"""Whether a server would answer now, and whether it still can at all."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from molmo2_ops.observation import ModelState, Observation

_PROGRESS = ("molmo2_engine_generated_tokens_total", "molmo2_engine_prefilled_tokens_total")
"""Counters of an engine that only work in hand moves."""


@dataclass
class _Proof:
    """When a model was last seen to generate, as time.monotonic says."""

    at: float | None = None
    failure: str = "no token was generated yet"


@dataclass
class Readiness:
    """Judges observations. A server is ready when it was seen to generate lately, and not else."""

    proof_seconds: float
    hopeless_seconds: float
    draining: bool = False
    _proofs: dict[str, _Proof] = field(default_factory=dict)
    _reasons: list[str] = field(default_factory=lambda: ["nothing was looked at yet"])
    _progress: dict[str, float] = field(default_factory=dict)
    _looked: float = field(default_factory=time.monotonic)
    _last_ready: float = field(default_factory=time.monotonic)

    def judge(self, seen: Observation) -> None:
        """Takes in what one look at the server showed."""
        self._looked = now = time.monotonic()
        advanced = self._advanced(seen)
        away = [engine.name for engine in seen.engines if not engine.alive]
        for model in seen.models:
            proof = self._proofs.setdefault(model.address, _Proof())
            if away or not model.workers.alive:
                proof.at = None  # what it could do before says nothing now
            elif advanced and model.running:
                proof.at = now
        self._reasons = list(self._why_not(seen, away, now))
        if not self._reasons:
            self._last_ready = now

    def generated(self, model: str, failure: str | None) -> None:
        """Takes in whether a token that was asked for came; ``failure`` says why it did not.

        ``model`` is its address, here and below.
        """
        proof = self._proofs.setdefault(model, _Proof())
        if failure is None:
            proof.at = time.monotonic()
        else:
            proof.failure = failure

    def wants_proof(self, model: str, after: float) -> bool:
        """Whether the model was not seen to generate for ``after`` seconds."""
        at = self._proofs.setdefault(model, _Proof()).at
        return at is None or time.monotonic() - at > after

    @property
    def why_not(self) -> list[str]:
        """What speaks against readiness; nothing does when the server is ready."""
        return ["the server is being drained", *self._reasons] if self.draining else self._reasons

    @property
    def ready(self) -> bool:
        return not self.why_not

    def model_is_ready(self, model: str) -> bool:
        return not self.draining and not any(f"{model}:" in reason for reason in self._reasons)

    @property
    def why_dead(self) -> str | None:
        """Why nothing but a restart will help, or None."""
        now = time.monotonic()
        if now - self._looked > self.proof_seconds:
            return f"nobody has looked at the server for {now - self._looked:.0f} s"
        if not self.draining and now - self._last_ready > self.hopeless_seconds:
            return f"not ready for {now - self._last_ready:.0f} s"
        return None

    def _why_not(self, seen: Observation, away: list[str], now: float) -> Iterable[str]:
        if not seen.reachable:
            yield "TorchServe does not answer"
        elif not seen.models:
            yield "TorchServe has no model"
        for name in away:
            yield f"engine {name} is away"
        for model in seen.models:
            yield from self._why_model_is_not(model, now)

    def _why_model_is_not(self, model: ModelState, now: float) -> Iterable[str]:
        proof = self._proofs[model.address]
        if not model.workers.alive:
            yield f"{model.name}: no worker is alive"
        elif proof.at is None or now - proof.at > self.proof_seconds:
            yield f"{model.name}: {proof.failure}"

    def _advanced(self, seen: Observation) -> bool:
        """Whether any engine has done work since the last look."""
        before, self._progress = (
            self._progress,
            {engine.name: _work_done(engine.exposition) for engine in seen.engines},
        )
        return any(work > before.get(name, work) for name, work in self._progress.items())


def _work_done(exposition: str) -> float:
    return sum(
        sample.value
        for metric in text_string_to_metric_families(exposition)
        for sample in metric.samples
        if sample.name in _PROGRESS
    )
