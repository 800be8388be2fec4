"""A FiftyOne plugin with two operators: label with Molmo2, and check a Molmo2 server.

FiftyOne finds it through a link in its plugins folder, which ``molmo2 plugin`` makes.
"""

from typing import Any


def register(plugin: Any) -> None:
    """Called by FiftyOne when it loads its plugins."""
    from molmo2_client.fiftyone.plugin.check_server import CheckServer
    from molmo2_client.fiftyone.plugin.label_samples import LabelSamples

    plugin.register(LabelSamples)
    plugin.register(CheckServer)
