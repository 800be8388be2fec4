"""A model of FiftyOne's zoo whose answers come from a Molmo2 server."""

from collections.abc import Iterable
from typing import Self

import fiftyone as fo
import fiftyone.core.models as fom
import numpy as np

from molmo2_client.fiftyone.asking import Asks, ask
from molmo2_client.fiftyone.mapping import to_labels
from molmo2_client.fiftyone.plan import Task
from molmo2_client.fiftyone.zoo.ahead import AnswersAhead, ask_now
from molmo2_client.fiftyone.zoo.config import Molmo2ModelConfig
from molmo2_client.fiftyone.zoo.embedding_run import EmbeddingRun
from molmo2_client.fiftyone.zoo.invocation import invocation_of
from molmo2_client.fiftyone.zoo.label_run import LabelRun
from molmo2_client.fiftyone.zoo.labels import Predicted, ZooFieldNames, as_predicted
from molmo2_client.fiftyone.zoo.setting import Setting
from molmo2_client.fiftyone.zoo.vectors import Vector, vector_of
from molmo2_client.fiftyone.zoo.video import VideoArgument, path_of, stop_decoding
from molmo2_contract.operations import Pooling
from molmo2_contract.response import Response

LABEL_FIELD = "predictions"
"""The label field where ``predict`` is called outside ``apply_model``: FiftyOne's own default."""


class Molmo2Model(fom.SamplesMixin, fom.EmbeddingsMixin, fom.Model):  # type: ignore[misc]
    """Molmo2 for ``apply_model`` and ``compute_embeddings``, without torch.

    Both ask about the samples that follow while FiftyOne is busy with one: ``batch_size``
    requests at once, or ``concurrency`` where none is given. A request that fails is that
    sample's error, so ``skip_failures`` works either way.

    ``apply_model`` declares its fields before the first request and puts a run record, as
    ``label_dataset`` writes it, into ``<label_field>_run``.

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
    concurrency = Setting[int]()
    timeout = Setting[float | None]()

    media_type = "video"
    has_embeddings = True
    ragged_batches = False
    transforms = None
    preprocess = False

    def __init__(self, config: Molmo2ModelConfig, client: Asks | None = None) -> None:
        fom.SamplesMixin.__init__(self)
        self.config = config
        self._client: Asks = client or config.connect()
        self._runs: list[LabelRun | EmbeddingRun | None] = []
        self._embeddings: Vector | None = None

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

    def predict(self, arg: VideoArgument, sample: fo.Sample | None = None) -> Predicted:
        """The labels of ``operation``: ``{suffix: label}`` or ``{frame: {suffix: label}}``.

        Raises:
            ValueError: no operation is chosen, or it has no prompt.
            Molmo2Error: the request or its operation failed.
        """
        stop_decoding(arg)
        run = self._runs[-1] if self._runs else None
        if isinstance(run, LabelRun) and sample is not None:
            return run.labels_of(sample)
        prompt_field = None if sample is None else self.needs_fields.get("prompt_field")
        question = self.config.asking.question(prompt_field)
        operation = question.about(sample[prompt_field] if sample and prompt_field else None)
        path = path_of(arg)
        task = Task(path if sample is None else sample.id, path, [operation])
        names = ZooFieldNames.of_label(LABEL_FIELD)
        labels = to_labels(ask_now(self._ask, task).response, names, task.sample_id)
        return as_predicted(labels, names)

    def embed(self, arg: VideoArgument) -> Vector:
        """The video's vector, of shape (dimension,), float32, of length 1.

        Raises:
            Molmo2Error: the request or its operation failed.
        """
        stop_decoding(arg)
        run = self._runs[-1] if self._runs else None
        if isinstance(run, EmbeddingRun):
            vector = run.vector_of(path_of(arg))
        else:
            task = Task("", path_of(arg), [self.config.asking.embedding()])
            vector = vector_of(ask_now(self._ask, task).response)
        self._embeddings = vector[np.newaxis]
        return vector

    def embed_all(self, args: Iterable[VideoArgument]) -> Vector:
        """The videos' vectors, of shape (videos, dimension), asked ``concurrency`` at once.

        Raises:
            Molmo2Error: a request or its operation failed.
        """
        operation = self.config.asking.embedding()
        tasks = [Task(str(i), path_of(arg), [operation]) for i, arg in enumerate(args)]
        with AnswersAhead(self._ask, tasks, concurrency=self.concurrency) as answers:
            vectors = [vector_of(answers.about(task).response) for task in tasks]
        stacked: Vector = np.stack(vectors)
        self._embeddings = stacked
        return stacked

    def get_embeddings(self) -> Vector:
        """What ``embed`` or ``embed_all`` gave last, of shape (videos, dimension)."""
        if self._embeddings is None:
            raise ValueError("nothing is embedded yet; call embed() first")
        return self._embeddings

    def _run_of_fiftyone(self) -> LabelRun | EmbeddingRun | None:
        invocation = invocation_of(self)
        if invocation is None:
            return None
        if invocation.label_field is None:
            return EmbeddingRun(self._ask, self.config.asking, invocation)
        prompt_field = self.needs_fields.get("prompt_field")
        return LabelRun(self._ask, self.config.asking, invocation, prompt_field)

    def _ask(self, task: Task) -> Response | None:
        return ask(self._client, task, timeout=self.timeout)
