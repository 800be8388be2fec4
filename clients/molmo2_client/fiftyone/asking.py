"""What ``label_dataset`` needs of a client, and how it puts a task to it."""

from typing import Any, Protocol

from molmo2_client.fiftyone.frame_times import seconds_of
from molmo2_client.fiftyone.task import Task
from molmo2_contract.errors import InternalError
from molmo2_contract.images import ImagesResponse
from molmo2_contract.operations import Operation
from molmo2_contract.response import Response

Answer = Response | ImagesResponse
"""What comes back about a video, or about an image."""


class Asks(Protocol):
    """Answers requests; called from several threads at once. ``molmo2_client.Molmo2`` is one.

    How a file reaches the server (its path or its bytes), how long it may take by default, and
    how often a busy server is asked again are settings of the client. ``video`` and ``images`` are
    the ``filepath`` of a sample. There is one result for each operation, in their order. What is
    None has the client's or the contract's default.

    Raises:
        Molmo2Error: the request failed as a whole.
    """

    def ask(
        self,
        video: str,
        operations: list[Operation],
        *,
        timeout: float | None,
        start: float | None = None,
        end: float | None = None,
        max_frames: int | None = None,
        max_fps: float | None = None,
    ) -> Response:
        """Asks about a video; ``start`` and ``end``, in seconds of it, are given for clips only."""

    def ask_images(
        self, images: str, operations: list[Any], *, timeout: float | None
    ) -> ImagesResponse:
        """Asks about one image: ``ImageOperation``s of the contract."""


def ask(client: Asks, task: Task, *, timeout: float | None) -> Answer | None:
    """The answer to a task; ``None`` where nothing can be asked about its sample.

    Raises:
        Molmo2Error: the request failed, or its results are not those of its operations.
    """
    if not task.operations:
        return None
    answer = _ask(client, task, timeout)
    asked = [operation.operation for operation in task.operations]
    got = [result.operation for result in answer.results]
    if got != asked:
        raise InternalError(f"the server answered {got} to {asked}")
    if isinstance(answer, ImagesResponse) and len(answer.images) != 1:
        raise InternalError(f"the server answered about {len(answer.images)} images, not one")
    return answer


def _ask(client: Asks, task: Task, timeout: float | None) -> Answer:
    if task.media_type == "image":
        return client.ask_images(task.filepath, task.operations, timeout=timeout)
    part: dict[str, Any] = task.sampling.given
    if task.clip is not None:
        part |= seconds_of(task.clip, task.filepath)
    return client.ask(task.filepath, task.operations, timeout=timeout, **part)
