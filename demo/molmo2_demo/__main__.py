"""Runs the demo: ``python -m molmo2_demo``. Its last line is the outcome as JSON."""

import json
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from molmo2_client import Molmo2Error
from molmo2_client.fiftyone.database import DatabaseError
from molmo2_client.serving import ServerFailed
from molmo2_demo.demo import run_demo
from molmo2_demo.report import print_report


def main(
    archive: Annotated[Path, typer.Option(help="The demo's archive.")] = Path(
        "model-store/molmo2-demo.mar"
    ),
    folder: Annotated[Path, typer.Option(help="Keeps videos, logs and the database.")] = Path(
        "run/demo"
    ),
    count: Annotated[int, typer.Option(min=2, help="How many videos.")] = 8,
    seed: Annotated[int, typer.Option(help="Another seed, other videos.")] = 0,
) -> None:
    """Render videos, serve the demo model, label a FiftyOne dataset and check it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        outcome = run_demo(archive.resolve(), folder.resolve(), count, seed, _tell)
    except (ServerFailed, DatabaseError, Molmo2Error) as error:
        sys.exit(str(error))
    print_report(outcome, Console())
    print(json.dumps(outcome.summary()))
    if outcome.errors:
        raise typer.Exit(1)


def _tell(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    typer.run(main)
