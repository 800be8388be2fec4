"""Options that several subcommands share; each can come from the environment instead."""

from pathlib import Path
from typing import Annotated

import typer

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
        help="Name that the archive is registered with.",
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
        help="Send a local file's bytes, or its path for a server that can read it.",
        show_default="upload",
        rich_help_panel=_SERVER,
    ),
]

AsJson = Annotated[
    bool | None,
    typer.Option(
        "--json/--table",
        help="What to print.",
        show_default="a table in a terminal, else JSON",
    ),
]
