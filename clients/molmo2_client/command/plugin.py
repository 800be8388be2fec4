"""``molmo2 plugin``: the form in FiftyOne's App."""

import typer

from molmo2_client.command.running import end
from molmo2_client.command.samples import need_fiftyone


def plugin() -> None:
    """Links the FiftyOne plugin into FiftyOne's plugins folder: a form in the App that labels."""
    need_fiftyone()
    from molmo2_client.fiftyone.plugin.link import link_plugin

    try:
        link = link_plugin()
    except OSError as error:
        end(f"{error}; remove what is there")
    typer.echo(f"{link} is there; the App finds it when it starts")
