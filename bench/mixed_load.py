"""Requests drawn at random: one of six operations, one of several videos, HTTP or gRPC."""

import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from load_outcomes import ANSWERED, LOST, Outcome

from molmo2_client import AsyncMolmo2, Molmo2Error
from molmo2_contract.events import OperationDone, Progress
from molmo2_contract.operations import Embed, Operation

SPARSEST, DENSEST = 1.0, 8.0
"""Frames a second, at most, of requests that sample a video anew."""


class MixedLoad:
    """One for all loads, with one client a transport; half of the requests are streamed."""

    def __init__(
        self,
        clients: Mapping[str, AsyncMolmo2],
        questions: Sequence[tuple[Path, Sequence[Operation]]],
        *,
        new: bool,
    ) -> None:
        """``questions``: each video with what is asked about it. ``new``: sample it anew always."""
        self._clients = clients
        self._questions = questions
        self._new = new
        self.chance = random.Random(0)

    async def hold(self) -> None:
        """Asks once about every video."""
        for video, _ in self._questions:
            await next(iter(self._clients.values())).ask(video, [Embed()])

    async def ask(self, due: float) -> Outcome:
        """One request, due at a value of ``time.monotonic``."""
        video, operations = self.chance.choice(self._questions)
        operation = self.chance.choice(operations)
        transport = self.chance.choice(list(self._clients))
        sampling = {"max_fps": self.chance.uniform(SPARSEST, DENSEST)} if self._new else {}
        ask = self.chance.choice((_plain, _streamed))
        first = None
        try:
            kind, first = await ask(self._clients[transport], video, operation, sampling)
        except Molmo2Error as error:
            kind = error.kind.value
        except Exception as error:
            print(f"lost: {type(error).__name__}: {error}")
            kind = LOST
        told = None if first is None else first - due
        return Outcome(operation.operation, transport, kind, time.monotonic() - due, told)


async def _plain(
    client: AsyncMolmo2, video: Path, operation: Operation, sampling: Mapping[str, float]
) -> tuple[str, None]:
    (result,) = (await client.ask(video, [operation], **sampling)).results
    return (ANSWERED if result.error is None else result.error.kind.value), None


async def _streamed(
    client: AsyncMolmo2, video: Path, operation: Operation, sampling: Mapping[str, float]
) -> tuple[str, float | None]:
    """Also when the first progress came, a value of ``time.monotonic``."""
    kind, first = LOST, None
    async for event in client.stream(video, [operation], **sampling):
        if isinstance(event, Progress) and first is None:
            first = time.monotonic()
        if isinstance(event, OperationDone):
            kind = ANSWERED if event.result.error is None else event.result.error.kind.value
    return kind, first
