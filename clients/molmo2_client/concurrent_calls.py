"""Calls that wait for a server, several at a time."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Generic, Self, TypeVar

TaskT = TypeVar("TaskT")
AnswerT = TypeVar("AnswerT")

LONGEST_WAIT = 0.5
"""Seconds after which a waiting loop looks for Ctrl-C again."""


@dataclass(frozen=True)
class Call(Generic[TaskT, AnswerT]):
    """A call that came back after ``seconds``: with an answer, or with an error."""

    task: TaskT
    answer: AnswerT | None
    error: BaseException | None
    seconds: float


class ConcurrentCalls(Generic[TaskT, AnswerT]):
    """Iterates over ``function(task)`` for every task, in the order in which they come back.

    At most ``concurrency`` calls run at once, and at most twice as many tasks are taken ahead of
    what has been iterated over, so that tasks may be many and calls go on while an answer is
    stored. A context manager: leaving it forgets the tasks that have not begun.

    The threads are daemons: after Ctrl-C Python ends without waiting for calls under way.
    """

    def __init__(
        self, function: Callable[[TaskT], AnswerT], tasks: Iterable[TaskT], *, concurrency: int
    ) -> None:
        self._function = function
        self._tasks = iter(tasks)
        self._concurrency = concurrency
        self._waiting: SimpleQueue[TaskT | None] = SimpleQueue()
        self._returned: deque[Call[TaskT, AnswerT]] = deque()
        self._arrivals: SimpleQueue[None] = SimpleQueue()
        self._left = Event()
        self._pending = 0

    def __enter__(self) -> Self:
        self._take(2 * self._concurrency)
        for _ in range(min(self._concurrency, self._pending)):
            Thread(target=self._work, name="molmo2-ask", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._left.set()
        for _ in range(self._concurrency):
            self._waiting.put(None)

    def __iter__(self) -> Iterator[Call[TaskT, AnswerT]]:
        while self._pending:
            self._wait()
            self._pending -= 1
            self._take(1)
            yield self._returned[0]
            self._returned.popleft()  # not earlier: Ctrl-C may come between any two steps

    def others_returned(self) -> bool:
        """Whether more calls have come back than the one that the loop is busy with."""
        return len(self._returned) > 1

    def returned(self) -> list[Call[TaskT, AnswerT]]:
        """What has come back and was not iterated over to its end; waits for nothing.

        After an interrupted loop this starts with the call that the loop was busy with.
        """
        return list(self._returned)

    def _wait(self) -> None:
        """Until a call comes back. A signal that falls just before a wait does not end the wait."""
        while True:
            try:
                return self._arrivals.get(timeout=LONGEST_WAIT)
            except Empty:
                continue

    def _take(self, count: int) -> None:
        for task in islice(self._tasks, count):
            self._waiting.put(task)
            self._pending += 1

    def _work(self) -> None:
        while (task := self._waiting.get()) is not None and not self._left.is_set():
            started = time.monotonic()
            answer, error = None, None
            try:
                answer = self._function(task)
            except BaseException as raised:
                error = raised
            self._returned.append(Call(task, answer, error, time.monotonic() - started))
            self._arrivals.put(None)
