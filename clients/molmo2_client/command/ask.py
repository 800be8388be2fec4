"""``molmo2 ask``: questions about one video."""

from typing import Annotated, Any

import typer
from rich.console import Console

from molmo2_client.client import Molmo2
from molmo2_client.command import exit_codes, options
from molmo2_client.command.following import follow
from molmo2_client.command.questions import Question, from_document, from_options
from molmo2_client.command.report import print_response
from molmo2_client.command.server_options import connected
from molmo2_contract.operations import OPERATION_NAMES
from molmo2_contract.response import Response
from molmo2_contract.results import Status

EXAMPLES = """
Examples:

  molmo2 ask street.mp4 --operation pointing --prompt "traffic light"

  molmo2 ask street.mp4 --operation tracking --prompt "red car" --stream

  molmo2 ask street.mp4 --operation describe --prompt "Why?" --operation embed

  molmo2 ask street.mp4 --operation describe --prompt "Which cars?" --schema cars.schema.json

  molmo2 ask file:///data/a.mp4 --request request.json > answer.json

Exit codes: 0 answered, 1 a result is an error, 2 wrong usage or request, 3 the request failed.
"""


@connected
def ask(
    molmo2: Molmo2,
    context: typer.Context,
    video: Annotated[
        str | None, typer.Argument(metavar="VIDEO", help="A file, or a URI that the server opens.")
    ] = None,
    operation: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(OPERATION_NAMES)}; may be repeated."),
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(help="One for each operation that takes a prompt, in their order."),
    ] = None,
    schema: options.Schema = None,
    request: Annotated[
        typer.FileText | None,
        typer.Option(help="File with the request's JSON in place of --operation; - is stdin."),
    ] = None,
    start: options.Start = None,
    end: options.End = None,
    max_frames: options.MaxFrames = None,
    max_fps: options.MaxFps = None,
    stream: Annotated[bool, typer.Option("--stream", help="Show the progress.")] = False,
    as_json: options.AsJson = None,
) -> None:
    """Asks one or more questions about one video."""
    if (request is None) == (operation is None):
        raise typer.BadParameter("give one of the two", param_hint="--operation or --request")
    if request is not None and schema is not None:
        raise typer.BadParameter("is said in the request, as json_schema", param_hint="--schema")
    said: Any = {"start": start, "end": end, "max_frames": max_frames, "max_fps": max_fps}
    said["timeout"] = _timeout_on_the_line(context)
    said = {name: value for name, value in said.items() if value is not None}
    question = (
        from_document(video, request.read(), said)
        if request is not None
        else from_options(video, operation or [], prompt or [], said, schema)
    )
    response = _answer(molmo2, question, stream)
    _print(response, as_json)
    if any(result.status is Status.ERROR for result in response.results):
        raise typer.Exit(exit_codes.RESULT_FAILED)


def _timeout_on_the_line(context: typer.Context) -> float | None:
    """--timeout, which goes before what a request says; MOLMO2_TIMEOUT does not."""
    source = context.get_parameter_source("timeout")
    if source is None or source.name != "COMMANDLINE":
        return None
    timeout: float = context.params["timeout"]
    return timeout


def _answer(molmo2: Molmo2, question: Question, stream: bool) -> Response:
    if not stream:
        return molmo2.ask(question.video, question.operations, **question.options)
    events = molmo2.stream(question.video, question.operations, **question.options)
    return follow(events, question.names(), Console(stderr=True))


def _print(response: Response, as_json: bool | None) -> None:
    if options.wants_json(as_json):
        typer.echo(response.model_dump_json(indent=2))
    else:
        print_response(response, Console())
