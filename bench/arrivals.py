"""When the requests of a load are sent."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

Ask = Callable[[float], Awaitable[T]]
"""Asks one request that is due at a value of ``time.monotonic``."""


async def closed_loop(ask: Ask[T], users: int, seconds: float) -> list[T]:
    """``users`` ask again as soon as they are answered: what a fixed number of callers sees."""
    until = time.monotonic() + seconds
    found: list[T] = []

    async def user() -> None:
        while (now := time.monotonic()) < until:
            found.append(await ask(now))

    await asyncio.gather(*(user() for _ in range(users)))
    return found


async def open_loop(ask: Ask[T], rate: float, seconds: float, chance: random.Random) -> list[T]:
    """``rate`` requests a second on average, at random (Poisson), whatever becomes of the others.

    A server that falls behind sees them pile up, as it would if each came from somebody else.
    """
    due = time.monotonic()
    until = due + seconds
    async with asyncio.TaskGroup() as group:
        asked = []
        while (due := due + chance.expovariate(rate)) < until:
            await asyncio.sleep(max(due - time.monotonic(), 0))
            asked.append(group.create_task(ask(due)))
    return [task.result() for task in asked]
