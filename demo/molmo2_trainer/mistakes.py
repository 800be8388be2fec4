"""Answers in which some places are written wrong, and what follows is still right.

Shown perfect answers alone, a model learns to continue a track from the places that it wrote
before, and a track that begins wrong stays wrong. So some are wrong here, and the next place must
be read from its frame.
"""

import random

from molmo2_trainer.draft import Draft

SHARE_OF_ANSWERS = 0.5
SHARE_OF_PLACES = 0.5
"""In those answers."""

FARTHEST = 200
"""Thousandths of the frame, in each direction."""


def with_mistakes(chance: random.Random, answer: Draft) -> str:
    """The answer's text, as long, for some answers with other digits in some places."""
    if chance.random() >= SHARE_OF_ANSWERS:
        return answer.text
    text = answer.text
    for piece in answer.pieces:
        if piece.number is not None and chance.random() < SHARE_OF_PLACES:
            wrong = [_near(chance, int(number)) for number in text[piece.start : piece.end].split()]
            written = "".join(f" {number:03}" for number in wrong)
            text = text[: piece.start] + written + text[piece.end :]
    return text


def _near(chance: random.Random, thousandths: int) -> int:
    return min(max(thousandths + chance.randint(-FARTHEST, FARTHEST), 0), 999)
