"""``label_dataset``: from a view of videos or images to one that is labelled."""

from collections.abc import Set
from functools import partial

from fiftyone.core.collections import SampleCollection

from molmo2_client.call import Operations
from molmo2_client.circuit_breaker import CircuitBreaker
from molmo2_client.concurrent_calls import ConcurrentCalls
from molmo2_client.fiftyone.asking import Asks, ask
from molmo2_client.fiftyone.checks import check_labelling, fields_of
from molmo2_client.fiftyone.densify import WAYS, Densify
from molmo2_client.fiftyone.fields import FieldNames
from molmo2_client.fiftyone.labelling import Labelling, Progress
from molmo2_client.fiftyone.plan import make_plan
from molmo2_client.fiftyone.questions import PromptFields, Question
from molmo2_client.fiftyone.samples import all_samples, all_videos
from molmo2_client.fiftyone.schema import declare
from molmo2_client.fiftyone.writer import LabelWriter
from molmo2_client.sampling import Sampling
from molmo2_client.summary import LabelSummary

CONCURRENCY = 8
"""Requests under way at once, by default."""


def label_dataset(
    view: SampleCollection,
    operations: Operations,
    *,
    client: Asks,
    label_field: str = "molmo2",
    embeddings_field: str | None = None,
    prompt_field: PromptFields = None,
    max_frames: int | None = None,
    max_fps: float | None = None,
    densify: Densify = "none",
    overwrite: bool = False,
    concurrency: int = CONCURRENCY,
    timeout: float | None = None,
    progress: Progress = True,
) -> LabelSummary:
    """Asks ``operations`` about every sample of ``view`` and writes the answers into its dataset.

    One request a sample carries all operations that the sample lacks. A call continues where an
    earlier one ended, however it ended: only operations without an answer are asked. A request
    that fails is noted in the sample's run record and the others go on.

    Images are asked about one a request: ``pointing``, ``describe`` and ``embed``. The samples of
    a clips view (``to_clips``) are asked about their part of the video. Their sample
    fields and run records are the clips' own, and last as long as those: save the view to keep it.
    Their frame labels go into the frames of the dataset, beside those of other clips, with the
    attribute ``clip``.

    Args:
        view: a dataset or view of videos, of clips, or of images.
        operations: contract operations, dicts of them, or names where no prompt is needed; one or
            several, each at most once.
        client: asks the server, e.g. ``molmo2_client.Molmo2(url=…)``.
        label_field: the beginning of the names of all fields; ``fields`` has the table.
        embeddings_field: where ``embed`` puts its vector; default ``<label_field>_embedding``.
        prompt_field: a string field with each sample's prompt, for all operations that take one,
            or a dict of operation to field. ``None`` cells fall back to the operation's prompt.
        max_frames: frames of a video or clip that the model is shown at most; default 384.
        max_fps: of each second at most; default 2.
        densify: whether the frames between the sampled ones get points and tracks too, with the
            attribute ``interpolated``: "hold" repeats the last position, "linear" moves it to the
            next; ``densify`` says where there are none. Leave long videos sparse: the App holds
            about 5,000 labelled frames at once.
        overwrite: ask about all samples again. An answer replaces the earlier labels of its
            operation; an error leaves them.
        concurrency: requests under way at once.
        timeout: seconds that the server gets for a request; default the client's.
        progress: whether to draw a progress bar, ``None`` for FiftyOne's setting, or a function
            called with the bar after each sample.

    Raises:
        InvalidRequest: an operation cannot be asked like this. Nothing was asked.
        FieldClash: the dataset has a field of another type. Nothing was asked.
        ValueError: another argument is at fault, or the samples have answers to another question:
            to another prompt, or asked with other settings. Nothing was asked.
        Unauthorized: the token was refused.
        EngineUnavailable: the server stayed away for as many calls as run at once. As after
            Ctrl-C, what was answered until then is written, and the next call continues.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency={concurrency}: must be at least 1")
    if densify not in WAYS:
        raise ValueError(f"densify={densify!r}: must be one of {', '.join(WAYS)}")
    sampling = Sampling(max_frames, max_fps)
    questions, names = check_labelling(
        view,
        operations,
        label_field=label_field,
        embeddings_field=embeddings_field,
        prompt_field=prompt_field,
        sampling=sampling,
    )
    if densify != "none" and names.media_type == "image":
        raise ValueError(f"densify={densify!r}: images have no frames to label between others")
    new = declare(view._dataset, fields_of(questions, names), videos=view._root_dataset)
    plan = make_plan(
        view,
        questions,
        names,
        sampling=sampling,
        redo=frozenset(q.operation for q in questions if overwrite or _lost(q, names, new)),
        redo_frames=names.frame_embeddings in new,
    )
    writer = LabelWriter(all_samples(view), names.run, videos=all_videos(view))
    calls = ConcurrentCalls(
        partial(ask, client, timeout=timeout), plan.tasks, concurrency=concurrency
    )
    return Labelling(writer, names, plan, densify).run(calls, CircuitBreaker(concurrency), progress)


def _lost(question: Question, names: FieldNames, new: Set[str]) -> bool:
    """Whether answers to it cannot be there, since a field of them is new, whatever is recorded.

    The frames' vectors may be asked for later than the videos'.
    """
    return bool(new & names.of(question.operation).keys() - {names.frame_embeddings})
