"""Bounds on what one sample's document holds; MongoDB refuses documents above 16 MB."""

MAX_TEXT_CHARACTERS = 250_000
"""Characters kept of one text. A sample has at most seven, of at most four bytes a character."""

MAX_ERROR_CHARACTERS = 2_000
"""Characters kept of one error message."""


def cut(text: str, characters: int = MAX_TEXT_CHARACTERS) -> str:
    """``text``, or its beginning with a note of how long it was."""
    if len(text) <= characters:
        return text
    return f"{text[:characters]} [cut here, of {len(text)} characters]"
