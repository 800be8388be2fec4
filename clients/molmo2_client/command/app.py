"""The command ``molmo2``."""

import sys

import stamina.instrumentation
import typer
from stamina.instrumentation import RetryDetails

from molmo2_client.command import (
    ask,
    ask_images,
    embed,
    exit_codes,
    info,
    label,
    plugin,
    score,
    serve,
    weights,
)
from molmo2_client.command.wording import as_options
from molmo2_client.errors import InvalidRequest, Molmo2Error

HELP = "Asks a Molmo2 server about videos and images, labels FiftyOne datasets, and runs a server."

EPILOG = """
Where the server is and who asks can stand in the environment:

  export MOLMO2_URL=grpc://127.0.0.1:7070 MOLMO2_KEY_FILE=run/key_file.json

  molmo2 info

  molmo2 ask street.mp4 --operation pointing --prompt "traffic light"

Exit codes: 0 done, 1 a result is an error, 2 wrong usage or request, 3 the request failed.
"""

app = typer.Typer(
    name="molmo2",
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command("ask", epilog=ask.EXAMPLES, no_args_is_help=True)(ask.ask)
app.command("ask-images", epilog=ask_images.EXAMPLES, no_args_is_help=True)(ask_images.ask_images)
app.command("embed", epilog=embed.EXAMPLES, no_args_is_help=True)(embed.embed)
app.command("info")(info.info)
app.command("label", epilog=label.EXAMPLES, no_args_is_help=True)(label.label)
app.command("plugin")(plugin.plugin)
app.command("score", epilog=score.EXAMPLES, no_args_is_help=True)(score.score)
app.command("serve", epilog=serve.EXAMPLES)(serve.serve)
app.add_typer(weights.weights)


def main() -> None:
    """Runs the command; an error is one line on stderr and an exit code of ``exit_codes``."""
    stamina.instrumentation.set_on_retry_hooks([_tell_retry])
    try:
        app()
    except Molmo2Error as error:
        said = as_options(str(error))
        _tell(said + (f" (request {error.request_id})" if error.request_id else ""))
        wrong = isinstance(error, InvalidRequest)
        sys.exit(exit_codes.USAGE if wrong else exit_codes.REQUEST_FAILED)


def _tell_retry(details: RetryDetails) -> None:
    _tell(f"{as_options(str(details.caused_by))}; trying again in {details.wait_for:.1f} s")


def _tell(message: str) -> None:
    typer.echo(f"molmo2: {' '.join(message.split())}", err=True)


if __name__ == "__main__":
    main()
