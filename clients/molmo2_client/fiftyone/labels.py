"""What is to be written into one sample."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from molmo2_client.fiftyone.clip import Clip


@dataclass
class Labels:
    """What to write into one sample. Every field named here loses what it held before.

    ``frames`` holds, by field, frame number to the document of an ``fo.Keypoints`` or to a vector;
    ``values`` the sample's own fields; ``dropped`` counts, by operation, the labels that lie
    outside the picture, the video or the ``clip``.
    """

    frames: dict[str, dict[int, Any]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    clip: Clip | None = None

    def clear(self, paths: Iterable[str]) -> None:
        """Fields that will hold nothing, unless they are filled afterwards."""
        for path in paths:
            if path.startswith("frames."):
                self.frames[path] = {}
            else:
                self.values[path] = None

    def drop(self, operation: str, count: int = 1) -> None:
        """Counts what cannot be stored."""
        if count:
            self.dropped[operation] = self.dropped.get(operation, 0) + count
