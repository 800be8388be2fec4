"""``molmo2 info``: what the server serves."""

from functools import partial

import typer
from rich.console import Console
from rich.table import Table

from molmo2_client.client import Molmo2
from molmo2_client.command import options
from molmo2_client.command.server_options import connected


@partial(connected, without=("media", "map_prefix"))
def info(molmo2: Molmo2, as_json: options.AsJson = None) -> None:
    """Tells what the server serves and what its limits are; answered once its model is loaded."""
    server = molmo2.info()
    if options.wants_json(as_json):
        typer.echo(server.model_dump_json(indent=2))
        return
    table = Table(show_header=False)
    for name, value in server.model:
        table.add_row(name, str(value))
    table.add_row("operations", ", ".join(server.operations))
    table.add_row("embedding_dimension", str(server.embedding_dimension))
    for name, value in server.limits:
        table.add_row(name, str(value))
    Console().print(table)
