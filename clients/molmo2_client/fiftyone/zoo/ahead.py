"""Answers in the order in which FiftyOne wants them, asked several at a time ahead of it."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from molmo2_client.concurrent_calls import Call, ConcurrentCalls
from molmo2_client.fiftyone.asking import Answer
from molmo2_client.fiftyone.task import Task
from molmo2_contract.errors import from_wire

Ask = Callable[[Task], Answer | None]


class TimedAnswer(NamedTuple):
    """A response, and the seconds that it took."""

    response: Answer
    seconds: float


class AnswersAhead:
    """A context manager that asks ``tasks`` in their order, ``concurrency`` at once.

    At most twice as many are asked ahead of the last answer that was wanted, and as many more as
    return while one is waited for.
    """

    def __init__(self, ask: Ask, tasks: Sequence[Task], *, concurrency: int) -> None:
        self._ask = ask
        self._calls = ConcurrentCalls(ask, tasks, concurrency=concurrency)
        self._returning = iter(self._calls)
        self._returned: dict[str, Call[Task, Answer | None]] = {}

    def __enter__(self) -> Self:
        self._calls.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._calls.__exit__(*error)

    def about(self, task: Task) -> TimedAnswer:
        """The answer to one of the tasks; waits for it. One that was given is asked for anew.

        Raises:
            Molmo2Error: the request or one of its operations failed, or could not be asked.
        """
        while task.sample_id not in self._returned:
            call = next(self._returning, None)
            if call is None:
                return ask_now(self._ask, task)
            self._returned[call.task.sample_id] = call
        call = self._returned.pop(task.sample_id)
        if call.error is not None:
            raise call.error
        return TimedAnswer(_checked(task, call.answer), call.seconds)


def ask_now(ask: Ask, task: Task) -> TimedAnswer:
    """The answer to one task that nobody asked ahead.

    Raises:
        Molmo2Error: the request or one of its operations failed, or could not be asked.
    """
    started = time.monotonic()
    response = ask(task)
    return TimedAnswer(_checked(task, response), time.monotonic() - started)


def _checked(task: Task, response: Answer | None) -> Answer:
    for error in task.refused.values():
        raise error
    assert response is not None  # only a task without operations has none
    for result in response.results:
        if result.error is not None:
            raise from_wire(result.error, response.request_id)
    return response
