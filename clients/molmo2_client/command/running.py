"""A command that can be gone on with: how it ends, and what it prints then."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import NoReturn

import typer

from molmo2_client.command import exit_codes
from molmo2_client.command.options import wants_json
from molmo2_client.command.wording import as_options
from molmo2_client.summary import LabelSummary

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


def end(message: str, code: int = exit_codes.USAGE) -> NoReturn:
    """Ends the command with one line on stderr."""
    typer.echo(f"molmo2: {as_options(message)}", err=True)
    raise typer.Exit(code)


def _print(summary: LabelSummary, as_json: bool | None) -> None:
    if wants_json(as_json):
        document = asdict(summary) | {"labelled": summary.labelled}
        typer.echo(json.dumps(document, indent=2))
        return
    lines = [str(summary)]
    lines += [f"  {f.sample_id} {f.operation}: {f.kind}: {f.message}" for f in summary.failures]
    typer.echo(as_options("\n".join(lines)))
