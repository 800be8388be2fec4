"""Options that several subcommands share; each can come from the environment instead."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from molmo2_client.client import Molmo2
from molmo2_client.settings import Media

_SERVER = "Server"

Url = Annotated[
    str | None,
    typer.Option(
        envvar="MOLMO2_URL",
        help="http(s)://host:8080 or grpc(s)://host:7070.",
        show_default="http://127.0.0.1:8080",
        rich_help_panel=_SERVER,
    ),
]

Model = Annotated[
    str | None,
    typer.Option(
        envvar="MOLMO2_MODEL",
        help="Name that the archive is registered with; NAME/VERSION for one of several.",
        show_default="molmo2-demo",
        rich_help_panel=_SERVER,
    ),
]

KeyFile = Annotated[
    Path | None,
    typer.Option(
        envvar="MOLMO2_KEY_FILE",
        help="TorchServe's key_file.json. A token of its own is given as MOLMO2_TOKEN.",
        rich_help_panel=_SERVER,
    ),
]

Timeout = Annotated[
    float | None,
    typer.Option(
        envvar="MOLMO2_TIMEOUT",
        help="Seconds that the server gets for a request.",
        show_default="120",
        rich_help_panel=_SERVER,
    ),
]

MediaOption = Annotated[
    Media | None,
    typer.Option(
        "--media",
        envvar="MOLMO2_MEDIA",
        help="Send a local file's bytes, its path for a server that can read it, or its URI there.",
        show_default="upload",
        rich_help_panel=_SERVER,
    ),
]

MapPrefix = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HERE=THERE",
        help="Where the server has a folder, e.g. /data=s3://bucket/data; may be repeated.",
        show_default="MOLMO2_MEDIA_PREFIXES, as JSON",
        rich_help_panel=_SERVER,
    ),
]


def connect(*, map_prefix: list[str] | None, **settings: Any) -> Molmo2:
    """A client of the server that the options above name."""
    return Molmo2(media_prefixes=_media_prefixes(map_prefix), **settings)


def _media_prefixes(given: list[str] | None) -> dict[str, str] | None:
    pairs = [prefix.partition("=") for prefix in given or []]
    if not all(here and there for here, _, there in pairs):
        raise typer.BadParameter("give it as HERE=THERE", param_hint="--map-prefix")
    return {here: there for here, _, there in pairs} or None


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
