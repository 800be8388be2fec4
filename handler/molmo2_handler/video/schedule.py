"""Which packets a decoder must be given to get the wanted frames, and no others."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Feed(IntEnum):
    """What becomes of a packet."""

    LEAVE_OUT = 0
    IF_REFERENCE = 1
    """Decoded if other frames refer to it."""
    DECODE = 2


def schedule(
    wanted: NDArray[np.bool_], afresh: NDArray[np.bool_], *, nonreference_marked: bool
) -> NDArray[np.uint8]:
    """A ``Feed`` for each packet, in order of decoding.

    Args:
        wanted: whether the packet holds a wanted frame.
        afresh: whether decoding can start at the packet. The first counts as such in any case.
        nonreference_marked: whether frames that are marked as non-reference may be skipped.
    """
    between = Feed.IF_REFERENCE if nonreference_marked else Feed.DECODE
    feed = np.where(wanted, Feed.DECODE, between).astype(np.uint8)
    starts = np.flatnonzero(afresh)
    starts = starts[np.searchsorted(starts, 1) :]  # without the first packet, marked or not
    starts = np.concatenate([[0], starts])
    place = np.arange(len(wanted))
    last_wanted = np.maximum.reduceat(np.where(wanted, place, -1), starts)
    feed[place > np.repeat(last_wanted, np.diff(starts, append=len(wanted)))] = Feed.LEAVE_OUT
    return feed
