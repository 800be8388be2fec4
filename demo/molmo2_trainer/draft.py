"""An answer while it is written, piece by piece, and where a reader of it should look."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Gaze:
    """What some words are read from: one shape, in sampled frames from ``first`` to ``last``."""

    shape: int
    """Its place among the scene's shapes."""
    first: int
    last: int


@dataclass(frozen=True)
class Piece:
    """Characters ``start`` to ``end`` of an answer."""

    start: int
    end: int
    gaze: Gaze | None
    time: int | None
    """The character at which the time begins that these words are about, ``d.d``."""
    number: int | None
    """The character at which the instance's number begins."""


@dataclass
class Draft:
    """A text that grows at its end."""

    text: str = ""
    pieces: list[Piece] = field(default_factory=list)

    def write(
        self,
        text: str,
        gaze: Gaze | None = None,
        time: int | None = None,
        number: int | None = None,
    ) -> int:
        """Appends ``text`` and returns the place of its first character."""
        start = len(self.text)
        self.text += text
        self.pieces.append(Piece(start, len(self.text), gaze, time, number))
        return start
