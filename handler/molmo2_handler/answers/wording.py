"""Strings from JSON values that should be strings and may be lists or numbers."""

from typing import Any


def wording(value: Any) -> str | None:
    """``value`` as it is written; a list's items joined by commas; None if it says nothing.

    Objects, truth values and null say nothing.
    """
    if isinstance(value, list):
        return ", ".join(wordings(value)) or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def wordings(value: Any) -> list[str]:
    """The items of a list, or of one string that separates them by commas."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    items = value if isinstance(value, list) else [value]
    return [text for item in items if (text := wording(item)) is not None]
