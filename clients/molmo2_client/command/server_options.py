"""The options that say which server is asked, and how; every command that asks takes them."""

from collections.abc import Callable, Collection
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from molmo2_client.client import Molmo2
from molmo2_client.settings import Media

_PANEL = "Server"

Url = Annotated[
    str | None,
    typer.Option(
        envvar="MOLMO2_URL",
        help="http(s)://host:8080 or grpc(s)://host:7070.",
        show_default="http://127.0.0.1:8080",
        rich_help_panel=_PANEL,
    ),
]

Model = Annotated[
    str | None,
    typer.Option(
        envvar="MOLMO2_MODEL",
        help="Name that the archive is registered with; NAME/VERSION for one of several.",
        show_default="molmo2-demo",
        rich_help_panel=_PANEL,
    ),
]

KeyFile = Annotated[
    Path | None,
    typer.Option(
        envvar="MOLMO2_KEY_FILE",
        help="TorchServe's key_file.json. A token of its own is given as MOLMO2_TOKEN.",
        rich_help_panel=_PANEL,
    ),
]

MediaOption = Annotated[
    Media | None,
    typer.Option(
        "--media",
        envvar="MOLMO2_MEDIA",
        help="Send a local file's bytes, its path for a server that can read it, or its URI there.",
        show_default="upload",
        rich_help_panel=_PANEL,
    ),
]

MapPrefix = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HERE=THERE",
        help="Where the server has a folder, e.g. /data=s3://bucket/data; may be repeated.",
        show_default="MOLMO2_MEDIA_PREFIXES, as JSON",
        rich_help_panel=_PANEL,
    ),
]

Timeout = Annotated[
    float | None,
    typer.Option(
        envvar="MOLMO2_TIMEOUT",
        help="Seconds that the server gets for a request.",
        show_default="120",
        rich_help_panel=_PANEL,
    ),
]

RetryFor = Annotated[
    float | None,
    typer.Option(
        envvar="MOLMO2_RETRY_FOR",
        help="Seconds for which a server that is busy, starting or away is asked again.",
        show_default="some tries, within the timeout",
        rich_help_panel=_PANEL,
    ),
]


def connect(
    url: Url = None,
    model: Model = None,
    key_file: KeyFile = None,
    media: MediaOption = None,
    map_prefix: MapPrefix = None,
    timeout: Timeout = None,
    retry_for: RetryFor = None,
) -> Molmo2:
    """A client of the server that the options name."""
    return Molmo2(
        url,
        model=model,
        key_file=key_file,
        media=media,
        media_prefixes=_media_prefixes(map_prefix),
        timeout=timeout,
        retry_for=retry_for,
    )


def connected(
    command: Callable[..., None], *, without: Collection[str] = ()
) -> Callable[..., None]:
    """``command`` with the options of ``connect``, but for some; it gets the client as ``molmo2``.

    Typer makes options of the parameters that a function's signature has.
    """
    options = signature(connect).parameters.values()
    server = {each.name: each for each in options if each.name not in without}
    own = [each for each in signature(command).parameters.values() if each.name != "molmo2"]

    @wraps(command)
    def with_client(**given: Any) -> None:
        with connect(**{name: given.pop(name) for name in server}) as molmo2:
            command(molmo2=molmo2, **given)

    parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in (*own, *server.values())]
    with_client.__dict__["__signature__"] = signature(command).replace(parameters=parameters)
    with_client.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_client


def _media_prefixes(given: list[str] | None) -> dict[str, str] | None:
    pairs = [prefix.partition("=") for prefix in given or []]
    if not all(here and there for here, _, there in pairs):
        raise typer.BadParameter("give it as HERE=THERE", param_hint="--map-prefix")
    return {here: there for here, _, there in pairs} or None
