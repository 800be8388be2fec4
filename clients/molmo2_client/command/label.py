"""``molmo2 label``: answers into a FiftyOne dataset."""

import json
import sys
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from molmo2_client.client import Molmo2
from molmo2_client.command import exit_codes, options
from molmo2_client.command.questions import WITH_PROMPT
from molmo2_contract.operations import OPERATION_NAMES

if TYPE_CHECKING:
    from molmo2_client.fiftyone import LabelSummary

EXAMPLES = """
Examples:

  molmo2 label clips --operation pointing --prompt "traffic light" --operation embed

  molmo2 label clips --operation describe --prompt-field question --max-samples 20

A second run asks only what the first has not answered. Which database holds the dataset is
FiftyOne's setting, FIFTYONE_DATABASE_URI.

Exit codes: 0 done, 1 an answer is missing, 2 wrong usage or request, 3 the server cannot be asked.
"""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def label(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Name of a dataset.")],
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
    label_field: Annotated[str, typer.Option(help="What all new fields begin with.")] = "molmo2",
    embeddings_field: Annotated[
        str | None, typer.Option(show_default="<label field>_embedding")
    ] = None,
    view: Annotated[str | None, typer.Option(help="Name of a saved view of the dataset.")] = None,
    max_samples: Annotated[
        int | None, typer.Option(min=1, help="Only the first samples, this many.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Ask again what has been answered.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests under way at once.")] = 8,
    as_json: options.AsJson = None,
    url: options.Url = None,
    model: options.Model = None,
    key_file: options.KeyFile = None,
    media: options.MediaOption = None,
    timeout: options.Timeout = None,
) -> None:
    """Asks about every video of a FiftyOne dataset and writes the answers into it."""
    operations = _operations(operation, prompt or [], falls_back=bool(prompt_field))
    samples = _load(dataset, view, max_samples)
    from molmo2_client.fiftyone import label_dataset

    with Molmo2(url=url, model=model, key_file=key_file, media=media, timeout=timeout) as molmo2:
        try:
            summary = label_dataset(
                samples,
                operations,
                client=molmo2,
                label_field=label_field,
                embeddings_field=embeddings_field,
                prompt_field=_prompt_field(prompt_field or []),
                overwrite=overwrite,
                concurrency=concurrency,
                progress=sys.stdout.isatty(),
            )
        except ValueError as error:
            _end(str(error), exit_codes.USAGE)
        except KeyboardInterrupt:
            _end("interrupted; what was answered is written, run it again to go on", INTERRUPTED)
    _print(summary, as_json)
    if summary.failed:
        raise typer.Exit(exit_codes.RESULT_FAILED)


def _operations(
    names: list[str], prompts: list[str], *, falls_back: bool
) -> list[str | dict[str, Any]]:
    """The prompts go, in their order, to the operations that take one."""
    takers = [name for name in names if name in WITH_PROMPT]
    if len(prompts) != len(takers) and (prompts or not falls_back):
        wanted = f"one for {', one for '.join(takers)}" if takers else "none"
        raise typer.BadParameter(
            f"{len(prompts)} given, wanted: {wanted}; or a --prompt-field", param_hint="--prompt"
        )
    said = dict(zip(takers, prompts, strict=False))
    return [{"operation": name, "prompt": said[name]} if name in said else name for name in names]


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


def _load(dataset: str, view: str | None, max_samples: int | None) -> Any:
    if find_spec("fiftyone") is None:
        _end("FiftyOne is not installed: pip install 'molmo2-torchserve[fiftyone]'")
    import fiftyone as fo
    from fiftyone.core.config import FiftyOneConfigError

    try:
        datasets = fo.list_datasets()
    except (FiftyOneConfigError, ConnectionError) as error:
        _end(f"FiftyOne has no database: {error}")
    if dataset not in datasets:
        _end(f"there is no dataset {dataset!r} among {', '.join(datasets) or 'none'}")
    samples = fo.load_dataset(dataset)
    if view is not None:
        views = samples.list_saved_views()
        if view not in views:
            _end(f"{dataset!r} has no saved view {view!r} among {', '.join(views) or 'none'}")
        samples = samples.load_saved_view(view)
    return samples if max_samples is None else samples.limit(max_samples)


def _print(summary: "LabelSummary", as_json: bool | None) -> None:
    if as_json or (as_json is None and not sys.stdout.isatty()):
        typer.echo(json.dumps(asdict(summary), indent=2))
        return
    typer.echo(str(summary))
    for failure in summary.failures:
        typer.echo(f"  {failure.sample_id} {failure.operation}: {failure.kind}: {failure.message}")


def _end(message: str, code: int = exit_codes.USAGE) -> NoReturn:
    typer.echo(f"molmo2: {message}", err=True)
    raise typer.Exit(code)
