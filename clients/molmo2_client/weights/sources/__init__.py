"""Where weights can come from: the hub, a folder, an object store."""

from molmo2_client.weights.sources.choose import open_source
from molmo2_client.weights.sources.source import Source

__all__ = ["Source", "open_source"]
