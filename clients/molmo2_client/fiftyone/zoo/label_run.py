"""One call of ``apply_model``, from its first sample to its last."""

from typing import Self

import fiftyone as fo
from fiftyone import ViewField as F

from molmo2_client.fiftyone.checks import fields_of
from molmo2_client.fiftyone.mapping import to_labels
from molmo2_client.fiftyone.media_type import media_type_of
from molmo2_client.fiftyone.outcomes import answered
from molmo2_client.fiftyone.plan import make_plan
from molmo2_client.fiftyone.record import merged
from molmo2_client.fiftyone.samples import all_samples, check_prompt_fields
from molmo2_client.fiftyone.schema import declare
from molmo2_client.fiftyone.zoo.ahead import AnswersAhead, Ask
from molmo2_client.fiftyone.zoo.asking import Asking
from molmo2_client.fiftyone.zoo.invocation import Invocation
from molmo2_client.fiftyone.zoo.labels import Predicted, ZooFieldNames, as_predicted


class LabelRun:
    """A context manager that asks ahead of the samples that FiftyOne hands over.

    ``prompt_field`` is the sample field with the prompts, if they are in one.

    Raises, before anything is asked:
        ValueError: the model's settings, the prompt field or the samples are at fault.
        InvalidRequest: the operation cannot be asked like this, or not about images.
        FieldClash: the dataset has a field of another type.
    """

    def __init__(
        self, ask: Ask, asking: Asking, invocation: Invocation, prompt_field: str | None
    ) -> None:
        samples = invocation.samples
        media_type = media_type_of(samples)
        question = asking.question(prompt_field, media_type)
        sampling = asking.sampling(media_type)
        check_prompt_fields(samples, [question])
        self._samples = samples
        self._names = names = ZooFieldNames.of_label(invocation.label_field or "", media_type)
        fields = fields_of([question], names)
        new = declare(samples._dataset, fields, videos=samples._root_dataset)
        self._earlier = fields.keys() - new
        plan = make_plan(
            samples,
            [question],
            names,
            sampling=sampling,
            redo=frozenset([question.operation]),
        )
        self._tasks = {task.sample_id: task for task in plan.tasks}
        self._answers = AnswersAhead(
            ask, plan.tasks, concurrency=invocation.batch_size or asking.concurrency
        )

    def __enter__(self) -> Self:
        self._answers.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._answers.__exit__(*error)

    def labels_of(self, sample: fo.Sample) -> Predicted:
        """What ``apply_model`` is to store in ``sample``, whose run record is put there.

        Raises:
            Molmo2Error: the request or its operation failed, or could not be asked.
        """
        task = self._tasks[sample.id]
        response, seconds = self._answers.about(task)
        labels = to_labels(response, self._names, task.sample_id, clip=task.clip)
        record = answered(task, response, labels.dropped, seconds)
        sample[self._names.run] = merged(self._earlier_record(sample), record)
        for path in labels.frames:
            self._clear_frames(sample, path)
        return as_predicted(labels, self._names)

    def _earlier_record(self, sample: fo.Sample) -> fo.DynamicEmbeddedDocument | None:
        if self._names.run not in self._earlier:
            return None
        (record,) = all_samples(self._samples).select(sample.id).values(self._names.run)
        return record

    def _clear_frames(self, sample: fo.Sample, path: str) -> None:
        """Takes away what an earlier call has put there; saved with the new labels."""
        if path not in self._earlier:
            return
        name = path.removeprefix("frames.")
        labelled = self._samples.select(sample.id).match_frames(F(name).exists())
        for frame_number in labelled.values("frames.frame_number", unwind=True):
            sample.frames[frame_number][name] = None
