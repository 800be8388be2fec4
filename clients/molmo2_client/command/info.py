"""``molmo2 info``: what the server serves."""

import sys

import typer
from rich.console import Console
from rich.table import Table

from molmo2_client.client import Molmo2
from molmo2_client.command import options


def info(
    as_json: options.AsJson = None,
    url: options.Url = None,
    model: options.Model = None,
    key_file: options.KeyFile = None,
    timeout: options.Timeout = None,
) -> None:
    """Tells what the server serves and what its limits are; answered once its model is loaded."""
    with Molmo2(url=url, model=model, key_file=key_file, timeout=timeout) as molmo2:
        server = molmo2.info()
    if as_json or (as_json is None and not sys.stdout.isatty()):
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
