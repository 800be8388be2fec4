"""``molmo2 weights``: checkpoints, before they are served."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from molmo2_client.command import exit_codes
from molmo2_client.weights import WeightsError, pull
from molmo2_client.weights.pull import Listener

EXAMPLES = """
Examples:

  molmo2 weights pull allenai/Molmo2-4B /weights/Molmo2-4B

  molmo2 weights pull s3://models/Molmo2-8B /weights/Molmo2-8B

  make archive CHECKPOINT=/weights/Molmo2-4B

Interrupted, it continues when it is called again. Of the hub's files it fetches weights
(safetensors), configuration and tokenizer, never code; HF_ENDPOINT names a mirror, HF_TOKEN
a token for what is not public.
"""

weights = typer.Typer(name="weights", help="Brings checkpoints here.", no_args_is_help=True)


@weights.callback()
def _group() -> None:
    """Brings checkpoints here."""


@weights.command("pull", epilog=EXAMPLES, no_args_is_help=True)
def pull_weights(
    source: Annotated[
        str, typer.Argument(help="OWNER/NAME on the hub, a folder, or s3://BUCKET/FOLDER.")
    ],
    folder: Annotated[Path, typer.Argument(help="Where to; made when all of it is there.")],
    revision: Annotated[
        str | None,
        typer.Option(help="The hub's branch, tag or commit.", show_default="the newest commit"),
    ] = None,
) -> None:
    """Fetches a checkpoint, verifies it, and writes down which revision it is."""
    console = Console(stderr=True)
    try:
        with _bar(console) as bar:
            task = bar.add_task(source, total=None)
            done = pull(
                source,
                folder,
                revision=revision,
                listener=Listener(
                    starts=lambda total: bar.update(task, total=total),
                    arrived=lambda count: bar.advance(task, count),
                ),
            )
    except WeightsError as error:
        typer.echo(f"molmo2: {error}", err=True)
        sys.exit(exit_codes.REQUEST_FAILED)
    except KeyboardInterrupt:
        typer.echo("molmo2: interrupted; the same command continues", err=True)
        sys.exit(exit_codes.REQUEST_FAILED)
    size = sum(file.size for file in done.record.files.values())
    said = "is there" if done.fetched else "was there already"
    typer.echo(f"{done.folder} {said}: {len(done.record.files)} files, {decimal(size)}")
    typer.echo(f"source {done.record.source}")
    typer.echo(f"revision {done.record.pinned}")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
