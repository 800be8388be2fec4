"""Heads of the language model that are shown where to look while they learn.

Told only by the words of answers, a small model needs millions of clips to find out that a place
is read from one visual token: that of the asked shape in the asked frame. These heads are told:

* Visual tokens look up the time of their own frame; where they hold a shape, they look it up in its
  first frame, and then the first frames of those shapes that are numbered and told first and last.
* What writes a time, a number or a place looks up the colour and the form that were asked for, the
  time that it writes about and the number of the instance.
* Two layers later it looks at the visual tokens that hold the shape.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guide:
    """Heads of one layer."""

    layer: int
    heads: tuple[int, ...]
    weight: float = 1.0


GUIDES = {
    "own_seconds": Guide(0, (0,)),
    "own_tenths": Guide(0, (2,)),
    "seconds": Guide(1, (0,)),
    "tenths": Guide(1, (2,)),
    "color": Guide(1, (4,)),
    "form": Guide(1, (6,)),
    "number": Guide(1, (5,)),
    "first_frame": Guide(1, (7,)),
    "numbered_first": Guide(2, (0,)),
    "numbered_last": Guide(2, (2,)),
    "told_first": Guide(2, (4,)),
    "told_last": Guide(2, (6,)),
    "gaze": Guide(3, (0, 2), weight=3.0),
}
