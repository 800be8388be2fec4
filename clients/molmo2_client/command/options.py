"""Options that several subcommands share."""

import sys
from pathlib import Path
from typing import Annotated

import typer

_MANY = "Dataset or folder"

Target = Annotated[
    str,
    typer.Argument(
        metavar="DATASET|FOLDER", help="Name of a FiftyOne dataset, or with --output a folder."
    ),
]

Output = Annotated[
    Path | None,
    typer.Option(
        help="Answers of a folder's videos: JSON Lines, a line a video.",
        show_default=False,
        rich_help_panel=_MANY,
    ),
]

View = Annotated[
    str | None,
    typer.Option(help="Name of a saved view of the dataset.", rich_help_panel=_MANY),
]

MaxSamples = Annotated[
    int | None,
    typer.Option(min=1, help="Only the first samples, this many.", rich_help_panel=_MANY),
]

Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Ask again what has been answered.", rich_help_panel=_MANY),
]

Concurrency = Annotated[
    int, typer.Option(min=1, help="Requests under way at once.", rich_help_panel=_MANY)
]

Start = Annotated[float | None, typer.Option(help="Look from here on, in seconds.")]

End = Annotated[float | None, typer.Option(help="Look no further, in seconds.")]

MaxFrames = Annotated[int | None, typer.Option(help="Frames sampled at most.", show_default="384")]

MaxFps = Annotated[float | None, typer.Option(help="Frames sampled a second.", show_default="2")]

Schema = Annotated[
    typer.FileText | None,
    typer.Option(help="File with the JSON Schema that the answer to describe follows."),
]

AsJson = Annotated[
    bool | None,
    typer.Option(
        "--json/--table",
        help="What to print.",
        show_default="a table in a terminal, else JSON",
    ),
]


def wants_json(as_json: bool | None) -> bool:
    """What --json says; without it, whether nobody looks."""
    return not sys.stdout.isatty() if as_json is None else as_json
