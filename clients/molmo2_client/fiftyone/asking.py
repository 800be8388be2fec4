"""What ``label_dataset`` needs of a client, and when it stops asking."""

from typing import Protocol

from molmo2_client.fiftyone.plan import Task
from molmo2_contract.errors import ErrorKind, InternalError, Molmo2Error
from molmo2_contract.operations import Operation
from molmo2_contract.response import Response

MIN_UNAVAILABLE_CALLS = 3
"""Calls in a row to a server that is away, at least, before the rest are not tried."""


class Asks(Protocol):
    """Answers requests; called from several threads at once. ``molmo2_client.Molmo2`` is one.

    How a file reaches the server (its path or its bytes), how long it may take by default, and
    how often a busy server is asked again are settings of the client.
    """

    def ask(self, video: str, operations: list[Operation], *, timeout: float | None) -> Response:
        """One result for each operation, in their order. ``video`` is a sample's ``filepath``.

        Raises:
            Molmo2Error: the request failed as a whole.
        """


def ask(client: Asks, task: Task, *, timeout: float | None) -> Response | None:
    """The answer to a task; ``None`` where nothing can be asked about its sample.

    Raises:
        Molmo2Error: the request failed, or its results are not those of its operations.
    """
    if not task.operations:
        return None
    response = client.ask(task.filepath, task.operations, timeout=timeout)
    asked = [operation.operation for operation in task.operations]
    got = [result.operation for result in response.results]
    if got != asked:
        raise InternalError(f"the server answered {got} to {asked}")
    return response


class CircuitBreaker:
    """Ends a run whose remaining calls would fail like those before.

    A token that is refused once is refused for every sample, and a server that is away for as
    many calls as run at once, after their retries, is away for the others too.
    """

    def __init__(self, concurrency: int) -> None:
        self._bound = max(concurrency, MIN_UNAVAILABLE_CALLS)
        self._unavailable = 0

    def note(self, error: BaseException | None) -> None:
        """Takes note of how a call ended; raises its ``error`` when the run should end."""
        if error is not None and not isinstance(error, Exception):
            raise error
        kind = error.kind if isinstance(error, Molmo2Error) else None
        self._unavailable = self._unavailable + 1 if kind is ErrorKind.ENGINE_UNAVAILABLE else 0
        if error and (kind is ErrorKind.UNAUTHORIZED or self._unavailable >= self._bound):
            raise error
