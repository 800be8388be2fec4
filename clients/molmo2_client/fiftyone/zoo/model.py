"""A model of FiftyOne's zoo whose answers come from a Molmo2 server."""

from collections.abc import Iterable
from typing import Self

import fiftyone as fo
import fiftyone.core.models as fom
import numpy as np

from molmo2_client.fiftyone.asking import Answer, Asks, ask
from molmo2_client.fiftyone.mapping import to_labels
from molmo2_client.fiftyone.media_type import MediaType
from molmo2_client.fiftyone.task import Task
from molmo2_client.fiftyone.vector import Vector, only_vector
from molmo2_client.fiftyone.zoo.ahead import AnswersAhead, ask_now
from molmo2_client.fiftyone.zoo.argument import (
    Argument,
    media_type_of_file,
    path_of,
    stop_decoding,
)
from molmo2_client.fiftyone.zoo.config import Molmo2ModelConfig
from molmo2_client.fiftyone.zoo.embedding_run import EmbeddingRun
from molmo2_client.fiftyone.zoo.invocation import invocation_of, sample_of
from molmo2_client.fiftyone.zoo.label_run import LabelRun
from molmo2_client.fiftyone.zoo.labels import Predicted, ZooFieldNames, as_predicted
from molmo2_client.fiftyone.zoo.setting import Setting
from molmo2_contract.operations import Pooling

LABEL_FIELD = "predictions"
"""The label field where ``predict`` is called outside ``apply_model``: FiftyOne's own default."""


class Molmo2Model(fom.SamplesMixin, fom.EmbeddingsMixin, fom.Model):  # type: ignore[misc]
    """Molmo2 for ``apply_model`` and ``compute_embeddings``, without torch.

    Both ask about the samples that follow while FiftyOne is busy with one: ``batch_size``
    requests at once, or ``concurrency`` where none is given. A request that fails is that
    sample's error, so ``skip_failures`` works either way.

    ``apply_model`` declares its fields before the first request and puts a run record, as
    ``label_dataset`` writes it, into ``<label_field>_run``.

    Images can be asked ``pointing``, ``describe`` and for embeddings. FiftyOne opens each before it
    calls, and says that it ignores ``batch_size``: it hands them over one by one, so that one that
    cannot be read costs no other, while ``batch_size`` of them are asked about.

    Args:
        config: where the server is, and what to ask at first.
        client: asks instead of the client that ``config`` describes.
    """

    operation = Setting[str | None]()
    prompt = Setting[str | None]()
    pooling_strategy = Setting[Pooling]()
    max_new_tokens = Setting[int | None]()
    temperature = Setting[float | None]()
    top_p = Setting[float | None]()
    seed = Setting[int | None]()
    max_frames = Setting[int | None]()
    max_fps = Setting[float | None]()
    concurrency = Setting[int]()
    timeout = Setting[float | None]()

    has_embeddings = True
    transforms = None
    preprocess = False

    def __init__(self, config: Molmo2ModelConfig, client: Asks | None = None) -> None:
        fom.SamplesMixin.__init__(self)
        self.config = config
        self._client: Asks = client or config.connect()
        self._runs: list[LabelRun | EmbeddingRun | None] = []
        self._embeddings: Vector | None = None

    @property
    def media_type(self) -> MediaType:
        """What FiftyOne is about to hand over; "video" where it is not."""
        invocation = invocation_of(self)
        is_image = invocation is not None and invocation.samples.media_type == "image"
        return "image" if is_image else "video"

    @property
    def ragged_batches(self) -> bool:
        """Whether images are to be handed over one by one, whatever the ``batch_size``."""
        return self.media_type == "image"

    def __enter__(self) -> Self:
        run = self._run_of_fiftyone()
        if run is not None:
            run.__enter__()
        self._runs.append(run)
        return self

    def __exit__(self, *error: object) -> None:
        run = self._runs.pop()
        if run is not None:
            run.__exit__(*error)

    def predict(self, arg: Argument, sample: fo.Sample | None = None) -> Predicted:
        """The labels of ``operation``: ``{suffix: label}`` or ``{frame: {suffix: label}}``.

        Raises:
            ValueError: no operation is chosen, or it has no prompt.
            Molmo2Error: the request or its operation failed.
        """
        stop_decoding(arg)
        run = self._runs[-1] if self._runs else None
        if isinstance(run, LabelRun) and sample is not None:
            return run.labels_of(sample)
        path = path_of(arg) if sample is None else sample.filepath
        media_type = media_type_of_file(path)
        prompt_field = None if sample is None else self.needs_fields.get("prompt_field")
        question = self.config.asking.question(prompt_field, media_type)
        operation = question.about(sample[prompt_field] if sample and prompt_field else None)
        task = Task(
            path if sample is None else sample.id,
            path,
            [operation],
            media_type=media_type,
            sampling=self.config.asking.sampling(media_type),
        )
        names = ZooFieldNames.of_label(LABEL_FIELD, media_type)
        labels = to_labels(ask_now(self._ask, task).response, names, task.sample_id)
        return as_predicted(labels, names)

    def embed(self, arg: Argument) -> Vector:
        """The vector of a video or an image, of shape (dimension,), float32, of length 1.

        Raises:
            Molmo2Error: the request or its operation failed.
        """
        stop_decoding(arg)
        run = self._runs[-1] if self._runs else None
        if isinstance(run, EmbeddingRun):
            vector = run.vector_of(self._path_of(arg))
        else:
            vector = only_vector(ask_now(self._ask, self._embedding_task("", arg)).response)
        self._embeddings = vector[np.newaxis]
        return vector

    def embed_all(self, args: Iterable[Argument]) -> Vector:
        """One vector each, of shape (files, dimension), asked ``concurrency`` at once.

        Raises:
            Molmo2Error: a request or its operation failed.
        """
        tasks = [self._embedding_task(str(i), arg) for i, arg in enumerate(args)]
        with AnswersAhead(self._ask, tasks, concurrency=self.concurrency) as answers:
            vectors = [only_vector(answers.about(task).response) for task in tasks]
        stacked: Vector = np.stack(vectors)
        self._embeddings = stacked
        return stacked

    def get_embeddings(self) -> Vector:
        """What ``embed`` or ``embed_all`` gave last, of shape (files, dimension)."""
        if self._embeddings is None:
            raise ValueError("nothing is embedded yet; call embed() first")
        return self._embeddings

    def _embedding_task(self, name: str, arg: Argument) -> Task:
        path = path_of(arg)
        media_type, asking = media_type_of_file(path), self.config.asking
        return Task(
            name,
            path,
            [asking.embedding()],
            media_type=media_type,
            sampling=asking.sampling(media_type),
        )

    def _path_of(self, arg: Argument) -> str:
        """Also of the pixels that FiftyOne hands over, whose sample its loop knows."""
        sample = sample_of(self) if isinstance(arg, np.ndarray) else None
        return path_of(arg) if sample is None else sample.filepath

    def _run_of_fiftyone(self) -> LabelRun | EmbeddingRun | None:
        invocation = invocation_of(self)
        if invocation is None:
            return None
        if invocation.label_field is None:
            return EmbeddingRun(self._ask, self.config.asking, invocation)
        prompt_field = self.needs_fields.get("prompt_field")
        return LabelRun(self._ask, self.config.asking, invocation, prompt_field)

    def _ask(self, task: Task) -> Answer | None:
        return ask(self._client, task, timeout=self.timeout)
