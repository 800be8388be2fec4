"""``embed_dataset``: one vector a sample."""

from fiftyone.core.collections import SampleCollection

from molmo2_client.fiftyone.asking import Asks
from molmo2_client.fiftyone.label import CONCURRENCY, label_dataset
from molmo2_client.fiftyone.labelling import Progress
from molmo2_client.summary import LabelSummary
from molmo2_contract.operations import Embed, Pooling


def embed_dataset(
    view: SampleCollection,
    *,
    client: Asks,
    embeddings_field: str = "molmo2_embedding",
    pooling: Pooling | str = Pooling.MEAN,
    per_frame: bool = False,
    max_frames: int | None = None,
    max_fps: float | None = None,
    overwrite: bool = False,
    concurrency: int = CONCURRENCY,
    timeout: float | None = None,
    progress: Progress = True,
) -> LabelSummary:
    """Writes one L2-normalised vector for every sample of ``view`` into ``embeddings_field``.

    This is ``label_dataset`` with nothing but the operation ``embed``, and continues, fails and
    ends like it. The run record is in ``<embeddings_field>_run``. Whoever asks other operations
    too has the vector for nothing by asking ``embed`` with them there.

    Args:
        view: a dataset or view of videos, of clips, or of images.
        client: asks the server, e.g. ``molmo2_client.Molmo2(url=…)``.
        embeddings_field: for the vectors, e.g. as ``embeddings=`` of FiftyOne Brain's methods.
        pooling: "mean", "max" or "cls" over the visual tokens.
        per_frame: write a vector for each sampled frame, too, into the frames' field of the same
            name. Videos that have a vector but none for their frames are asked again.
        overwrite: embed again what has a vector.
        max_frames, max_fps, concurrency, timeout, progress: as those of ``label_dataset``.

    Raises:
        Everything that ``label_dataset`` raises, and a ``ValueError`` for an unknown pooling.
    """
    return label_dataset(
        view,
        [Embed(pooling=Pooling(pooling), per_frame=per_frame)],
        client=client,
        label_field=embeddings_field,
        embeddings_field=embeddings_field,
        max_frames=max_frames,
        max_fps=max_fps,
        overwrite=overwrite,
        concurrency=concurrency,
        timeout=timeout,
        progress=progress,
    )
