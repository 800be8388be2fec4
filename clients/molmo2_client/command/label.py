"""``molmo2 label``: answers into a FiftyOne dataset, or about a folder into a file."""

import sys
from typing import Annotated, Any

import typer

from molmo2_client.call import Operations
from molmo2_client.client import Molmo2
from molmo2_client.command import options
from molmo2_client.command.folders import label_folder
from molmo2_client.command.questions import bounded, held_to, with_prompts
from molmo2_client.command.running import run
from molmo2_client.command.samples import load_view, only_for_datasets, only_for_folders
from molmo2_client.command.server_options import connected
from molmo2_client.summary import LabelSummary
from molmo2_contract.operations import OPERATION_NAMES

EXAMPLES = """
Examples:

  molmo2 label clips --operation pointing --prompt "traffic light" --operation embed

  molmo2 label clips --operation describe --prompt-field question --max-samples 20

  molmo2 label clips --operation tracking --prompt "red car" --densify linear

  molmo2 label photos --operation pointing --prompt "face" --label-field faces

  molmo2 label ~/videos --output answers.jsonl --operation comprehensive

The last needs no FiftyOne. The others label a FiftyOne dataset, of videos or of images; which
database holds it is FiftyOne's setting, FIFTYONE_DATABASE_URI. A second run asks only what the
first has not answered.

Exit codes: 0 done, 1 an answer is missing, 2 wrong usage or request, 3 the server cannot be asked.
"""


@connected
def label(
    molmo2: Molmo2,
    target: options.Target,
    operation: Annotated[
        list[str],
        typer.Option(help=f"One of {', '.join(OPERATION_NAMES)}; a dataset takes each once."),
    ],
    prompt: Annotated[
        list[str] | None,
        typer.Option(help="One for each operation that takes a prompt, in their order."),
    ] = None,
    prompt_field: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD|OPERATION=FIELD",
            help="Field with each sample's prompt. Its empty cells fall back to --prompt.",
        ),
    ] = None,
    schema: options.Schema = None,
    label_field: Annotated[
        str | None, typer.Option(help="What all new fields begin with.", show_default="molmo2")
    ] = None,
    embeddings_field: Annotated[
        str | None,
        typer.Option(help="Field for embed's vectors.", show_default="<label field>_embedding"),
    ] = None,
    densify: Annotated[
        str | None,
        typer.Option(
            metavar="none|hold|linear", help="Whether frames between sampled ones get labels too."
        ),
    ] = None,
    start: options.Start = None,
    end: options.End = None,
    max_frames: options.MaxFrames = None,
    max_fps: options.MaxFps = None,
    max_new_tokens: Annotated[
        int | None,
        typer.Option(help="Longest answer, in tokens.", show_default="2048; of tracking 4096"),
    ] = None,
    output: options.Output = None,
    view: options.View = None,
    max_samples: options.MaxSamples = None,
    overwrite: options.Overwrite = False,
    concurrency: options.Concurrency = 8,
    as_json: options.AsJson = None,
) -> None:
    """Asks about every video or image of a FiftyOne dataset, or about the videos of a folder."""
    by_field = _prompt_field(prompt_field or [])
    asked = with_prompts(operation, prompt or [], OPERATION_NAMES, or_field=by_field is not None)
    operations = bounded(held_to(asked, schema), max_new_tokens)
    named = {
        "label_field": label_field,
        "embeddings_field": embeddings_field,
        "prompt_field": by_field,
        "densify": densify,
    }
    how: dict[str, Any] = {"overwrite": overwrite, "concurrency": concurrency}
    how |= {"max_frames": max_frames, "max_fps": max_fps}
    if output is None:
        only_for_folders(start=start, end=end)
        samples = load_view(target, view, max_samples)
        run(lambda: _label_dataset(samples, operations, molmo2, **named, **how), as_json)
    else:
        only_for_datasets(view=view, **named)
        how |= {"start": start, "end": end, "output": output, "max_videos": max_samples}
        run(lambda: label_folder(target, operations, molmo2, **how), as_json)


def _label_dataset(
    samples: Any, operations: Operations, molmo2: Molmo2, **how: Any
) -> LabelSummary:
    """``fiftyone.label_dataset``; what is None has its default there."""
    from molmo2_client import fiftyone

    how = {name: value for name, value in how.items() if value is not None}
    return fiftyone.label_dataset(
        samples, operations, client=molmo2, progress=sys.stdout.isatty(), **how
    )


def _prompt_field(given: list[str]) -> str | dict[str, str] | None:
    if len(given) == 1 and "=" not in given[0]:
        return given[0]
    pairs = [field.partition("=") for field in given]
    if not all(name and equals and field for name, equals, field in pairs):
        raise typer.BadParameter(
            "give one field for all operations, or OPERATION=FIELD for each",
            param_hint="--prompt-field",
        )
    return {name: field for name, _, field in pairs} or None
