"""``molmo2 embed``: one vector a video or image, into a FiftyOne dataset or a file."""

import sys
from typing import Annotated, Any

import typer

from molmo2_client.client import Molmo2
from molmo2_client.command import options
from molmo2_client.command.folders import label_folder
from molmo2_client.command.running import run
from molmo2_client.command.samples import load_view, only_for_datasets, only_for_folders
from molmo2_client.command.server_options import connected
from molmo2_client.summary import LabelSummary
from molmo2_contract.operations import Embed, Pooling

EXAMPLES = """
Examples:

  molmo2 embed clips --embeddings-field molmo2_embedding

  molmo2 embed ~/videos --output vectors.jsonl --pooling max --per-frame

The first fills a FiftyOne dataset, the second needs no FiftyOne. A second run asks only what the
first has not answered.

Exit codes: 0 done, 1 a vector is missing, 2 wrong usage or request, 3 the server cannot be asked.
"""


@connected
def embed(
    molmo2: Molmo2,
    target: options.Target,
    pooling: Annotated[
        Pooling, typer.Option(help="What becomes of the visual tokens.")
    ] = Pooling.MEAN,
    per_frame: Annotated[
        bool,
        typer.Option("--per-frame", help="A vector for each sampled frame too; of videos."),
    ] = False,
    embeddings_field: Annotated[
        str | None, typer.Option(help="Field for the vectors.", show_default="molmo2_embedding")
    ] = None,
    start: options.Start = None,
    end: options.End = None,
    max_frames: options.MaxFrames = None,
    max_fps: options.MaxFps = None,
    output: options.Output = None,
    view: options.View = None,
    max_samples: options.MaxSamples = None,
    overwrite: options.Overwrite = False,
    concurrency: options.Concurrency = 8,
    as_json: options.AsJson = None,
) -> None:
    """Embeds every video or image of a FiftyOne dataset, or the videos of a folder."""
    how: dict[str, Any] = {"overwrite": overwrite, "concurrency": concurrency}
    how |= {"max_frames": max_frames, "max_fps": max_fps}
    if output is None:
        only_for_folders(start=start, end=end)
        samples = load_view(target, view, max_samples)
        how |= {"pooling": pooling, "per_frame": per_frame}
        run(lambda: _embed_dataset(samples, molmo2, embeddings_field, **how), as_json)
    else:
        only_for_datasets(view=view, embeddings_field=embeddings_field)
        how |= {"start": start, "end": end, "output": output, "max_videos": max_samples}
        operation = Embed(pooling=pooling, per_frame=per_frame)
        run(lambda: label_folder(target, operation, molmo2, **how), as_json)


def _embed_dataset(samples: Any, molmo2: Molmo2, field: str | None, **how: Any) -> LabelSummary:
    """``fiftyone.embed_dataset``, into its own field where none is given."""
    from molmo2_client import fiftyone

    how |= {"embeddings_field": field} if field else {}
    return fiftyone.embed_dataset(samples, client=molmo2, progress=sys.stdout.isatty(), **how)
