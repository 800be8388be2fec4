"""``molmo2 plugin``: the form in FiftyOne's App."""

from importlib.util import find_spec

import typer

from molmo2_client.command import exit_codes


def plugin() -> None:
    """Links the FiftyOne plugin into FiftyOne's plugins folder: a form in the App that labels."""
    if find_spec("fiftyone") is None:
        typer.echo(
            "molmo2: FiftyOne is not installed: pip install 'molmo2-torchserve[fiftyone]'", err=True
        )
        raise typer.Exit(exit_codes.USAGE)
    from molmo2_client.fiftyone.plugin.link import link_plugin

    try:
        link = link_plugin()
    except OSError as error:
        typer.echo(f"molmo2: {error}; remove what is there", err=True)
        raise typer.Exit(exit_codes.USAGE) from None
    typer.echo(f"{link} is there; the App finds it when it starts")
