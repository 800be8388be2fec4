"""A JSON Schema that a caller wants an answer to follow, and its bounds."""

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator

from molmo2_contract.limits import MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH


def write(schema: dict[str, Any]) -> str:
    """The text of a schema, with its properties in their order: answers follow it.

    Raises:
        ValueError: if it cannot be written as JSON.
    """
    return json.dumps(schema, ensure_ascii=False, allow_nan=False)


def _within_bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """Says what is wrong with it as JSON; whether it can be followed is for the engine to say."""
    if is_deeper(schema, MAX_SCHEMA_DEPTH):
        raise ValueError(
            f"must be nested at most {MAX_SCHEMA_DEPTH} deep; name its parts in $defs and refer "
            "to them with $ref"
        )
    try:
        size = len(write(schema).encode())
    except (TypeError, ValueError) as error:
        raise ValueError(f"must be JSON: {_said(error)}") from None
    if size > MAX_SCHEMA_BYTES:
        raise ValueError(
            f"has {size} bytes, must have at most {MAX_SCHEMA_BYTES}; name what it repeats in "
            "$defs, and leave out titles and examples"
        )
    return schema


def _said(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "it holds half a character"
    return str(error)


def is_deeper(value: Any, bound: int) -> bool:
    """Whether there are more than ``bound`` containers within containers; a number has none."""
    depth, level = 0, [value]
    while containers := [each for each in level if isinstance(each, dict | list)]:
        depth, level = depth + 1, [item for each in containers for item in _items(each)]
        if depth > bound:
            return True
    return False


def _items(container: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


JsonSchema = Annotated[dict[str, Any], AfterValidator(_within_bounds)]
"""A JSON Schema (2020-12) within ``MAX_SCHEMA_BYTES`` and ``MAX_SCHEMA_DEPTH``."""
