"""From what a user names to the source that has it."""

import re
from pathlib import Path

from molmo2_client.weights.errors import WeightsError
from molmo2_client.weights.sources.folder import FolderSource
from molmo2_client.weights.sources.hub import HubSource
from molmo2_client.weights.sources.source import Source
from molmo2_client.weights.sources.store import StoreSource

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_URI = re.compile(r"[a-z][a-z0-9+.-]*://.+")


def open_source(name: str, revision: str | None) -> Source:
    """A folder that is there, a URI such as ``s3://bucket/folder``, or a name on the hub.

    Raises:
        WeightsError: if it can be none of them.
    """
    if Path(name).is_dir():
        source: Source = FolderSource(Path(name))
    elif _URI.fullmatch(name):
        source = StoreSource(name)
    elif _HUB_NAME.fullmatch(name):
        return HubSource(name, revision)
    else:
        raise WeightsError(
            f"{name}: no such folder; on the hub a checkpoint is called OWNER/NAME, in a store "
            "s3://BUCKET/FOLDER"
        )
    if revision is not None:
        raise WeightsError(f"{name}: only the hub has revisions; leave --revision out")
    return source
