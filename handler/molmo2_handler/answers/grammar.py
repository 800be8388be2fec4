"""The form of each operation's answer, as a grammar that the engine holds it to.

``grammars/`` has one file a form. Whatever a grammar admits, ``read_answer`` reads; what the model
was not trained to write, it does not admit. Two forms are narrower than what is read:

* ``temporal_localization`` is an array, though its prompt shows one object: an object could not be
  followed by the next event, and an empty array says that there is none.
* Points and tracks have the separator of the released models, one tag, and no explanation in place
  of a count.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, assert_never

from molmo2_contract import json_schema
from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    GeneratedOperation,
    Pointing,
    TemporalLocalization,
    Tracking,
)


@dataclass(frozen=True)
class Grammar:
    """``text`` in one of the two languages that the engine's wire has fields for."""

    language: Literal["json_schema", "lark"]
    text: str


def grammar_of(operation: GeneratedOperation) -> Grammar | None:
    """What an answer about a video is held to; None where the model writes what it will."""
    match operation:
        case Describe():
            return _schema_of(operation)
        case Pointing():
            return _lark("points") if operation.constrained else None
        case Tracking():
            return _lark("tracks") if operation.constrained else None
        case TemporalLocalization():
            return _schema("events") if operation.constrained else None
        case Comprehensive():
            return _schema("analysis") if operation.constrained else None
        case _:
            assert_never(operation)


def grammar_of_images(operation: Pointing | Describe, images: int) -> Grammar | None:
    """What an answer about ``images`` images is held to."""
    match operation:
        case Describe():
            return _schema_of(operation)
        case Pointing():
            return _image_points(images) if operation.constrained else None
        case _:
            assert_never(operation)


def _schema_of(operation: Describe) -> Grammar | None:
    schema = operation.json_schema
    return None if schema is None else Grammar("json_schema", json_schema.write(schema))


def _image_points(images: int) -> Grammar:
    numbers = "|".join(str(number) for number in range(1, images + 1))
    return Grammar("lark", f"{_read('image_points.lark')}IMAGE: /{numbers}/\n")


def _lark(name: str) -> Grammar:
    return Grammar("lark", _read(f"{name}.lark"))


def _schema(name: str) -> Grammar:
    return Grammar("json_schema", _read(f"{name}.schema.json"))


@cache
def _read(name: str) -> str:
    return Path(__file__).with_name("grammars").joinpath(name).read_text()
