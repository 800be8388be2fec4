"""A clip of a FiftyOne clips view."""

from dataclasses import dataclass
from typing import Any, Self

CLIP_FIELDS = ("sample_id", "support", "metadata.frame_rate", "metadata.total_frame_count")
"""The fields of a clips view that ``Clip.of`` takes, in their order."""


@dataclass(frozen=True)
class Clip:
    """Frames ``first`` to ``last``, counted from 1, of the video of sample ``video_id``.

    ``frame_rate`` and ``frame_count`` are those of the video's FiftyOne metadata, where it has any.
    """

    video_id: str
    first: int
    last: int
    frame_rate: float | None = None
    frame_count: int | None = None

    @classmethod
    def of(cls, video_id: str, support: list[int], *metadata: Any) -> Self:
        """The clip whose ``CLIP_FIELDS`` hold these."""
        first, last = support
        return cls(video_id, first, last, *metadata)

    @property
    def name(self) -> str:
        """What tells the clip from others of its video; the same in every run."""
        return f"{self.first}-{self.last}"
