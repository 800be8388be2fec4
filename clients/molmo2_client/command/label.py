"""``molmo2 label``: answers into a FiftyOne dataset, or about a folder into a file."""

from typing import Annotated, Any

import typer

from molmo2_client.command import batch, options
from molmo2_client.command.questions import held_to
from molmo2_client.summary import LabelSummary
from molmo2_contract.operations import OPERATION_NAMES, PROMPTED

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


def label(
    target: options.Target,
    operation: Annotated[
        list[str],
        typer.Option(help=f"One of {', '.join(OPERATION_NAMES)}; each at most once."),
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
        str | None, typer.Option(show_default="<label field>_embedding")
    ] = None,
    densify: Annotated[
        str | None,
        typer.Option(
            metavar="none|hold|linear", help="Whether frames between sampled ones get labels too."
        ),
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
    """Asks about every video or image of a FiftyOne dataset, or about the videos of a folder."""
    asked = _operations(operation, prompt or [], falls_back=bool(prompt_field))
    operations = held_to(asked, schema)
    named = {
        "label_field": label_field,
        "embeddings_field": embeddings_field,
        "prompt_field": _prompt_field(prompt_field or []),
        "densify": densify,
    }
    how: dict[str, Any] = {"overwrite": overwrite, "concurrency": concurrency}
    server: dict[str, Any] = {"url": url, "model": model, "key_file": key_file, "media": media}

    def job() -> LabelSummary:
        with options.connect(**server, map_prefix=map_prefix, timeout=timeout) as molmo2:
            if output is None:
                return batch.label_dataset(samples, operations, molmo2, **named, **how)
            how["max_videos"] = max_samples
            return batch.label_folder(target, operations, molmo2, output=output, **how)

    if output is None:
        samples = batch.load_view(target, view, max_samples)
    else:
        batch.only_for_datasets(view=view, **named)
    batch.run(job, as_json)


def _operations(names: list[str], prompts: list[str], *, falls_back: bool) -> list[dict[str, Any]]:
    """The prompts go, in their order, to the operations that take one."""
    takers = [name for name in names if name in PROMPTED]
    if len(prompts) != len(takers) and (prompts or not falls_back):
        wanted = f"one for {', one for '.join(takers)}" if takers else "none"
        raise typer.BadParameter(
            f"{len(prompts)} given, wanted: {wanted}; or a --prompt-field", param_hint="--prompt"
        )
    said = dict(zip(takers, prompts, strict=False))
    return [
        {"operation": name} | ({"prompt": said[name]} if name in said else {}) for name in names
    ]


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
