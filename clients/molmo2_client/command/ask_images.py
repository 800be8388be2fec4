"""``molmo2 ask-images``: questions about one image or several."""

from typing import Annotated

import typer
from rich.console import Console

from molmo2_client.client import Molmo2
from molmo2_client.command import exit_codes, options
from molmo2_client.command.questions import held_to, with_prompts
from molmo2_client.command.report import print_images_response
from molmo2_client.command.server_options import connected
from molmo2_contract.images import IMAGE_OPERATION_NAMES
from molmo2_contract.results import Status

EXAMPLES = """
Examples:

  molmo2 ask-images cat.jpg --operation pointing --prompt "ear"

  molmo2 ask-images before.png after.png --operation describe --prompt "What changed?"

Exit codes: 0 answered, 1 a result is an error, 2 wrong usage or request, 3 the request failed.
"""


@connected
def ask_images(
    molmo2: Molmo2,
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGE...", help="Files, or URIs that the server opens.")
    ],
    operation: Annotated[
        list[str],
        typer.Option(help=f"One of {', '.join(IMAGE_OPERATION_NAMES)}; may be repeated."),
    ],
    prompt: Annotated[
        list[str] | None,
        typer.Option(help="One for each operation that takes a prompt, in their order."),
    ] = None,
    schema: options.Schema = None,
    as_json: options.AsJson = None,
) -> None:
    """Asks one or more questions about images, in their order."""
    operations = held_to(with_prompts(operation, prompt or [], IMAGE_OPERATION_NAMES), schema)
    response = molmo2.ask_images(images, operations)
    if options.wants_json(as_json):
        typer.echo(response.model_dump_json(indent=2))
    else:
        print_images_response(response, Console())
    if any(result.status is Status.ERROR for result in response.results):
        raise typer.Exit(exit_codes.RESULT_FAILED)
