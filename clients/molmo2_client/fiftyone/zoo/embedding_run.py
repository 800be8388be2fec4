"""One call of ``compute_embeddings``, from its first sample to its last."""

from typing import Self

from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.clip import Clip
from molmo2_client.fiftyone.media_type import media_type_of
from molmo2_client.fiftyone.plan import Task
from molmo2_client.fiftyone.vector import Vector, only_vector
from molmo2_client.fiftyone.zoo.ahead import AnswersAhead, Ask
from molmo2_client.fiftyone.zoo.asking import Asking
from molmo2_client.fiftyone.zoo.invocation import Invocation
from molmo2_contract.operations import Operation

_OF_CLIPS = ["sample_id", "support", "metadata.frame_rate", "metadata.total_frame_count"]


class EmbeddingRun:
    """A context manager that asks ahead of the videos or images that FiftyOne hands over.

    FiftyOne names the file but not the sample, and passes over files that it cannot open; so the
    next sample with that file is the one that it means.
    """

    def __init__(self, ask: Ask, asking: Asking, invocation: Invocation) -> None:
        tasks = _tasks(invocation.samples, asking.embedding())
        self._order = iter(tasks)
        self._answers = AnswersAhead(
            ask, tasks, concurrency=invocation.batch_size or asking.concurrency
        )

    def __enter__(self) -> Self:
        self._answers.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._answers.__exit__(*error)

    def vector_of(self, filepath: str) -> Vector:
        """The vector of the next sample with this file.

        Raises:
            Molmo2Error: its request failed.
            KeyError: no sample that is left has this file.
        """
        for task in self._order:
            if task.filepath == filepath:
                return only_vector(self._answers.about(task).response)
        raise KeyError(filepath)


def _tasks(samples: SampleCollection, operation: Operation) -> list[Task]:
    media_type = media_type_of(samples)
    columns = ["id", "filepath", *(_OF_CLIPS if samples._is_clips else [])]
    return [
        Task(
            sample_id,
            filepath,
            [operation],
            clip=_clip(*clip) if clip else None,
            media_type=media_type,
        )
        for sample_id, filepath, *clip in zip(*samples.values(columns), strict=True)
    ]


def _clip(
    video_id: str, support: list[int], frame_rate: float | None, frame_count: int | None
) -> Clip:
    first, last = support
    return Clip(video_id, first, last, frame_rate, frame_count)
