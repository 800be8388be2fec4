"""What ``label_dataset`` needs of a client, and how it puts a task to it."""

from typing import Protocol

from molmo2_client.fiftyone.frame_times import seconds_of
from molmo2_client.fiftyone.plan import Task
from molmo2_contract.errors import InternalError
from molmo2_contract.operations import Operation
from molmo2_contract.response import Response


class Asks(Protocol):
    """Answers requests; called from several threads at once. ``molmo2_client.Molmo2`` is one.

    How a file reaches the server (its path or its bytes), how long it may take by default, and
    how often a busy server is asked again are settings of the client.
    """

    def ask(
        self,
        video: str,
        operations: list[Operation],
        *,
        timeout: float | None,
        start: float | None = None,
        end: float | None = None,
    ) -> Response:
        """One result for each operation, in their order. ``video`` is a sample's ``filepath``.

        ``start`` and ``end`` are given for clips only, in seconds of the whole video.

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
    part = {} if task.clip is None else seconds_of(task.clip, task.filepath)
    response = client.ask(task.filepath, task.operations, timeout=timeout, **part)
    asked = [operation.operation for operation in task.operations]
    got = [result.operation for result in response.results]
    if got != asked:
        raise InternalError(f"the server answered {got} to {asked}")
    return response
