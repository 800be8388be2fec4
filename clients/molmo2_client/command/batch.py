"""What ``molmo2 label`` and ``molmo2 embed`` share: where answers go, and how it is told."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from molmo2_client.client import Molmo2
from molmo2_client.command import exit_codes
from molmo2_client.summary import LabelSummary
from molmo2_contract.operations import Operation

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def run(job: Callable[[], LabelSummary], as_json: bool | None) -> None:
    """Runs a job that can be gone on with, and prints what it did."""
    try:
        summary = job()
    except (ValueError, OSError) as error:
        end(str(error))
    except KeyboardInterrupt:
        end("interrupted; what was answered is written, run it again to go on", INTERRUPTED)
    _print(summary, as_json)
    if summary.failed:
        raise typer.Exit(exit_codes.RESULT_FAILED)


def label_folder(
    folder: str,
    operations: Sequence[Operation | Mapping[str, Any] | str],
    molmo2: Molmo2,
    **how: Any,
) -> LabelSummary:
    """``folder.label_folder`` with a progress bar."""
    from molmo2_client import folder as folders

    with _bar() as progress:
        return folders.label_folder(folder, operations, client=molmo2, progress=progress, **how)


def label_dataset(
    samples: Any, operations: Sequence[str | Mapping[str, Any]], molmo2: Molmo2, **how: Any
) -> LabelSummary:
    """``fiftyone.label_dataset``; what is None has its default there."""
    from molmo2_client import fiftyone

    how = {name: value for name, value in how.items() if value is not None}
    return fiftyone.label_dataset(
        samples, operations, client=molmo2, progress=sys.stdout.isatty(), **how
    )


def score_dataset(samples: Any, **how: Any) -> Any:
    """``fiftyone.scoring.score_dataset``."""
    from molmo2_client.fiftyone import scoring

    return scoring.score_dataset(samples, **how)


def embed_dataset(samples: Any, molmo2: Molmo2, field: str, **how: Any) -> LabelSummary:
    """``fiftyone.embed_dataset``."""
    from molmo2_client import fiftyone

    return fiftyone.embed_dataset(
        samples, client=molmo2, embeddings_field=field, progress=sys.stdout.isatty(), **how
    )


def load_view(dataset: str, view: str | None, max_samples: int | None) -> Any:
    """The FiftyOne view of that name; ends the command where there is none."""
    if find_spec("fiftyone") is None:
        end("FiftyOne is not installed: pip install 'molmo2-torchserve[fiftyone]'")
    import fiftyone as fo
    from fiftyone.core.config import FiftyOneConfigError

    try:
        datasets = fo.list_datasets()
    except (FiftyOneConfigError, ConnectionError) as error:
        end(f"FiftyOne has no database: {error}")
    if dataset not in datasets:
        folder = "; a folder needs --output" if Path(dataset).is_dir() else ""
        end(f"there is no dataset {dataset!r} among {', '.join(datasets) or 'none'}{folder}")
    samples = fo.load_dataset(dataset)
    if view is not None:
        views = samples.list_saved_views()
        if view not in views:
            end(f"{dataset!r} has no saved view {view!r} among {', '.join(views) or 'none'}")
        samples = samples.load_saved_view(view)
    return samples if max_samples is None else samples.limit(max_samples)


def only_for_datasets(**given: object) -> None:
    """Refuses options that mean nothing for a folder."""
    for name, value in given.items():
        if value:
            option = f"--{name.replace('_', '-')}"
            raise typer.BadParameter("is of datasets, and --output of folders", param_hint=option)


def end(message: str, code: int = exit_codes.USAGE) -> NoReturn:
    """Ends the command with one line on stderr."""
    typer.echo(f"molmo2: {message}", err=True)
    raise typer.Exit(code)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr with videos a second and how long it will take, in a terminal."""
    console = Console(stderr=True)
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("videos"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, rate="")

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            speed = bar.tasks[task].finished_speed or bar.tasks[task].speed
            bar.update(task, rate=f"{speed:.1f} videos/s" if speed else "")

        yield show


def _print(summary: LabelSummary, as_json: bool | None) -> None:
    if as_json or (as_json is None and not sys.stdout.isatty()):
        document = asdict(summary) | {"labelled": summary.labelled}
        typer.echo(json.dumps(document, indent=2))
        return
    typer.echo(str(summary))
    for failure in summary.failures:
        typer.echo(f"  {failure.sample_id} {failure.operation}: {failure.kind}: {failure.message}")
