"""Callers who have nothing to do with a fault, and what they notice of it."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock

from molmo2_client import Molmo2, Molmo2Error
from molmo2_contract.errors import from_wire

ASKED = [
    {"operation": "describe", "prompt": "What happens in this video?", "max_new_tokens": 16},
    {"operation": "embed"},
]
_PAUSE = 0.2
"""Seconds between two requests of one caller, and between two attempts at one."""
_PATIENCE = 60.0
"""Seconds for which a request is asked again whose operations were lost with the engine."""
_SAME = 1e-3
"""Largest difference between two embeddings' values; which company a video has in a batch changes
the order in which numbers are added."""


@dataclass
class Noticed:
    """What all of them together saw."""

    answered: int = 0
    wrong: int = 0
    failed: list[str] = field(default_factory=list)
    longest: float = 0.0


class Bystanders:
    """Ordinary clients over HTTP and gRPC, who ask about one video again and again."""

    def __init__(self, connect: Callable[[str], Molmo2], video: Path) -> None:
        self.connect = connect
        self._video = video
        self._noticed = Noticed()
        self._turns = {transport: Lock() for transport in ("http", "grpc")}
        with connect("http") as client:
            self._truth = self._answer(client)

    @contextmanager
    def asking(self) -> Iterator[Noticed]:
        """They ask as long as the block lasts."""
        self._noticed = noticed = Noticed()
        stop = Event()
        with ThreadPoolExecutor(2) as pool:
            callers = [pool.submit(self._ask, each, stop) for each in ("http", "grpc")]
            try:
                yield noticed
            finally:
                stop.set()
            for caller in callers:
                caller.result()

    @contextmanager
    def resting(self) -> Iterator[None]:
        """No request of theirs is under way as long as the block lasts."""
        with self._turns["http"], self._turns["grpc"]:
            yield

    def _ask(self, transport: str, stop: Event) -> None:
        with self.connect(transport) as client:
            while not stop.wait(_PAUSE):
                began = time.monotonic()
                try:
                    with self._turns[transport]:
                        wrong = not _agree(self._answer(client), self._truth)
                except Molmo2Error as error:
                    self._noticed.failed.append(f"{transport}: {error.kind}: {error}")
                else:
                    self._noticed.wrong += wrong
                    self._noticed.answered += 1
                self._noticed.longest = max(self._noticed.longest, time.monotonic() - began)

    def _answer(self, client: Molmo2) -> tuple[str, list[float]]:
        """Asks again, as ``label_dataset`` does, where an operation was lost with the engine."""
        until = time.monotonic() + _PATIENCE
        while True:
            described, embedded = client.ask(self._video, ASKED).results
            lost = described.error or embedded.error
            if lost is None:
                return described.text, embedded.embedding
            if time.monotonic() > until:
                raise from_wire(lost)
            time.sleep(_PAUSE)


def _agree(told: tuple[str, list[float]], truth: tuple[str, list[float]]) -> bool:
    """The same text, and an embedding of the same values."""
    values, right = told[1], truth[1]
    return (
        told[0] == truth[0]
        and len(values) == len(right)
        and all(abs(a - b) <= _SAME for a, b in zip(values, right, strict=True))
    )
