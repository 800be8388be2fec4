"""Puts the plugin where FiftyOne looks for plugins."""

from pathlib import Path

import fiftyone as fo

NAME = "molmo2"
"""The link's name in the plugins folder."""


def link_plugin() -> Path:
    """Links this package's folder into FiftyOne's plugins folder, and returns the link.

    A link and no copy, so that the plugin is always that of the installed package. An earlier link
    is replaced.

    Raises:
        FileExistsError: something else has the link's name.
    """
    link = Path(fo.config.plugins_dir) / NAME
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    link.symlink_to(Path(__file__).parent, target_is_directory=True)
    return link
