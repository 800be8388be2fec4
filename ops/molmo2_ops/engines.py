"""The engines of a run directory: do they live, and what do they say of themselves."""

import logging
from dataclasses import dataclass
from pathlib import Path

import grpc

from molmo2_engine.client.engine_lock import EngineLock
from molmo2_engine.client.silence import Silence
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_engine.wire import engine_pb2_grpc

logger = logging.getLogger(__name__)

_SECONDS = 2.0
"""How long an engine may take to tell its metrics; it does so beside its work."""


@dataclass(frozen=True)
class EngineState:
    """One engine at one moment."""

    name: str
    """Its lock's."""
    alive: bool
    """Whether it has loaded and its process holds its lock."""
    exposition: str
    """Its metrics in Prometheus' text format; empty while it loads, or does not answer."""
    replaced: int = 0
    """How often another process has taken its place, whoever saw to that."""


class Engines:
    """Every engine that was seen alive in the run directory; those of earlier runs are not."""

    def __init__(self, run_directory: Path) -> None:
        self._folder = run_directory
        self._watched: dict[Path, _Watched] = {}

    def look(self) -> list[EngineState]:
        """Asks each engine that lives."""
        for lock in EngineLock.all_in(self._folder):
            if lock.socket not in self._watched and not lock.is_free:
                self._watched[lock.socket] = _Watched(lock)
        return [engine.look() for engine in self._watched.values()]

    def kill_silent(self) -> int:
        """Ends the engines that no longer beat; the next request starts them anew. Says how many.

        Work that was in hand there fails at once, as ``engine_unavailable``.
        """
        return sum(engine.kill_if_silent() for engine in list(self._watched.values()))

    @property
    def have_ended(self) -> bool:
        return not any(engine.holds_its_lock for engine in self._watched.values())

    def close(self) -> None:
        for engine in self._watched.values():
            engine.close()


class _Watched:
    def __init__(self, lock: EngineLock) -> None:
        self._lock = lock
        self._silence = Silence(lock)
        self._channel: grpc.Channel | None = None
        self._process: int | None = None
        self._loaded = False
        self._replaced = 0

    def look(self) -> EngineState:
        holder = self._lock.holder()
        if holder is not None and holder.process != self._process:
            self._replaced += self._loaded
            self._process, self._loaded = holder.process, False
        told = self._metrics() if holder is not None else ""
        # One that has once answered may be slow to; one that has not is loading.
        self._loaded = self._loaded or bool(told)
        alive = holder is not None and self._loaded
        return EngineState(self._lock.name, alive, told, self._replaced)

    @property
    def holds_its_lock(self) -> bool:
        return not self._lock.is_free

    def kill_if_silent(self) -> bool:
        if (hung := self._silence.look()) is None:
            return False
        logger.warning("engine %s (process %d) has no heartbeat", self._lock.name, hung.process)
        return self._lock.kill(hung)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
        self._channel = None

    def _metrics(self) -> str:
        if self._channel is None:
            self._channel = grpc.insecure_channel(f"unix:{self._lock.socket}")
        stub = engine_pb2_grpc.EngineStub(self._channel)
        try:
            return stub.Metrics(wire.MetricsRequest(), timeout=_SECONDS).exposition
        except grpc.RpcError:
            self.close()  # the next engine on this socket is not waited for
            return ""
