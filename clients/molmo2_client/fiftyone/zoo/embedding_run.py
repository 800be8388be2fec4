"""One call of ``compute_embeddings``, from its first sample to its last."""

from typing import Self

from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.clip import CLIP_FIELDS, Clip
from molmo2_client.fiftyone.media_type import media_type_of
from molmo2_client.fiftyone.task import Task
from molmo2_client.fiftyone.vector import Vector, only_vector
from molmo2_client.fiftyone.zoo.ahead import AnswersAhead, Ask
from molmo2_client.fiftyone.zoo.asking import Asking
from molmo2_client.fiftyone.zoo.invocation import Invocation


class EmbeddingRun:
    """A context manager that asks ahead of the videos or images that FiftyOne hands over.

    FiftyOne names the file but not the sample, and passes over files that it cannot open; so the
    next sample with that file is the one that it means.
    """

    def __init__(self, ask: Ask, asking: Asking, invocation: Invocation) -> None:
        tasks = _tasks(invocation.samples, asking)
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


def _tasks(samples: SampleCollection, asking: Asking) -> list[Task]:
    media_type = media_type_of(samples)
    sampling = asking.sampling(media_type)
    columns = ["id", "filepath", *(CLIP_FIELDS if samples._is_clips else [])]
    return [
        Task(
            sample_id,
            filepath,
            [asking.embedding()],
            clip=Clip.of(*clip) if clip else None,
            media_type=media_type,
            sampling=sampling,
        )
        for sample_id, filepath, *clip in zip(*samples.values(columns), strict=True)
    ]
