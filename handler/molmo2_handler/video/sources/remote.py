"""A video somewhere else, as the file that reads it sees it."""

from collections.abc import Generator
from typing import Protocol

Transfer = Generator[bytes, None, None]
"""Bytes of a video from some offset on, in pieces that are not empty; close it to end it early.

It ends with the video, or before: then another may start where it ended.
"""


class Remote(Protocol):
    """Where the bytes of one video come from.

    Attributes:
        name: what messages call it.
        size: bytes of the video, or None where that shows only at its end.
        ranges: whether a transfer may start anywhere; if not, there is only one, from 0.
        identity: equal for equal content, and only then; None where nobody vouches for that.
    """

    name: str
    size: int | None
    ranges: bool
    identity: str | None

    def transfer(self, offset: int) -> Transfer:
        """Raises Molmo2Error, at once or while it is read."""

    def confirm(self) -> None:
        """Raises VideoUnreadable where the content is no longer that of ``identity``."""

    def close(self) -> None:
        """Ends what is open beside the transfers."""
