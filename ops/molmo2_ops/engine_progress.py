"""What engines have done from one look to the next, by their own metrics."""

from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from molmo2_ops.engines import EngineState

_WORK = {"molmo2_engine_generated_tokens_total", "molmo2_engine_prefilled_tokens_total"}
"""Counters that only work in hand moves."""

_IN_HAND = {
    "molmo2_engine_running_sequences",
    "molmo2_engine_waiting_requests",
    "molmo2_engine_waiting_sequences",
    "molmo2_engine_stalled_seconds",
}
"""Gauges that are all 0 of an engine that has nothing to do."""


@dataclass
class _Engine:
    work: float
    well: float
    """When it was last seen to have advanced, or to have nothing to do."""
    advanced: bool = False


class EngineProgress:
    """Of every engine that was looked at."""

    def __init__(self) -> None:
        self._engines: dict[str, _Engine] = {}

    def look(self, engines: Iterable[EngineState], now: float) -> None:
        """Takes in what one look showed; ``now`` is in seconds, as ``time.monotonic`` has them."""
        for seen in engines:
            work, idle = _told(seen.exposition)
            engine = self._engines.setdefault(seen.name, _Engine(work, now))
            engine.advanced = bool(seen.exposition) and work > engine.work
            if seen.exposition and (idle or work != engine.work):  # less is another's, just started
                engine.well = now
            if seen.exposition:
                engine.work = work

    def advanced(self, name: str) -> bool:
        """Whether the engine had done work when it was last looked at, since the look before."""
        return name in self._engines and self._engines[name].advanced

    def stands_still(self, name: str, now: float) -> float:
        """Seconds that the engine has not advanced although it has work, or has told nothing."""
        return now - self._engines[name].well if name in self._engines else 0.0


def _told(exposition: str) -> tuple[float, bool]:
    """Tokens that were read and written, and whether there is nothing to do."""
    samples = [
        sample for metric in text_string_to_metric_families(exposition) for sample in metric.samples
    ]
    work = sum(sample.value for sample in samples if sample.name in _WORK)
    in_hand = sum(sample.value for sample in samples if sample.name in _IN_HAND)
    return work, not in_hand
