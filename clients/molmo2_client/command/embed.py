"""``molmo2 embed``: one vector a video or image, into a FiftyOne dataset or a file."""

from typing import Annotated, Any

import typer

from molmo2_client.command import batch, options
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


def embed(
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
    output: options.Output = None,
    view: options.View = None,
    max_samples: options.MaxSamples = None,
    overwrite: options.Overwrite = False,
    concurrency: options.Concurrency = 8,
    as_json: options.AsJson = None,
    url: options.Url = None,
    model: options.Model = None,
    key_file: options.KeyFile = None,
    media: options.MediaOption = None,
    map_prefix: options.MapPrefix = None,
    timeout: options.Timeout = None,
) -> None:
    """Embeds every video or image of a FiftyOne dataset, or the videos of a folder."""
    how: dict[str, Any] = {"overwrite": overwrite, "concurrency": concurrency}
    server: dict[str, Any] = {"url": url, "model": model, "key_file": key_file, "media": media}

    def job() -> LabelSummary:
        with options.connect(**server, map_prefix=map_prefix, timeout=timeout) as molmo2:
            if output is None:
                field = embeddings_field or "molmo2_embedding"
                how.update(pooling=pooling, per_frame=per_frame)
                return batch.embed_dataset(samples, molmo2, field, **how)
            how["max_videos"] = max_samples
            operations = [Embed(pooling=pooling, per_frame=per_frame)]
            return batch.label_folder(target, operations, molmo2, output=output, **how)

    if output is None:
        samples = batch.load_view(target, view, max_samples)
    else:
        batch.only_for_datasets(view=view, embeddings_field=embeddings_field)
    batch.run(job, as_json)
