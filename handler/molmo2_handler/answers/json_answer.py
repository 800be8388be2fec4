"""Finds the JSON in an answer: fenced, with prose around it, several values in a row, cut off."""

import re
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any

MAX_DEPTH = 32
"""Containers within containers; at one that lies deeper the reading ends."""

_OPENING = re.compile(r"[\[{]")
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALARS = JSONDecoder(strict=False)


@dataclass(frozen=True)
class JsonValue:
    """An object or an array; ``complete`` is False where it breaks off or stops being JSON."""

    value: dict[str, Any] | list[Any]
    complete: bool


def find_json(text: str) -> list[JsonValue]:
    """Every object and array of ``text`` that lies in no other, in order.

    Of a value that breaks off, or stops being JSON, what is whole is kept: the items of an array
    and the members of an object, where a member that is itself a container is kept as far as it
    goes. A value that stops before anything in it is whole is none, like braces in prose.
    """
    found: list[JsonValue] = []
    at = 0
    while opening := _OPENING.search(text, at):
        reader = _Reader(text, opening.start())
        value = reader.container(depth=1)
        at = reader.at
        if value or reader.whole:
            found.append(JsonValue(value, reader.whole))
    return found


class _NotJsonError(Exception):
    """Here the text ends, or is no JSON."""


class _Reader:
    """Reads one container; ``at`` moves along the text and never back.

    At the first fault ``whole`` turns False, and every container returns what it has.
    """

    def __init__(self, text: str, at: int) -> None:
        self.text = text
        self.at = at
        self.whole = True

    def container(self, depth: int) -> dict[str, Any] | list[Any]:
        return self._object(depth) if self._take("{") else self._array(depth)

    def _object(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        try:
            while self.whole and not self._take("}"):
                if members:
                    self._expect(",")
                    if self._take("}"):
                        break
                key = self._scalar()
                self._expect(":")
                members[str(key)] = self._value(depth)
        except _NotJsonError:
            self.whole = False
        return members

    def _array(self, depth: int) -> list[Any]:
        items: list[Any] = []
        try:
            self._expect("[")
            while not self._take("]"):
                if items:
                    self._expect(",")
                    if self._take("]"):
                        break
                item = self._value(depth)
                if not self.whole:
                    break
                items.append(item)
        except _NotJsonError:
            self.whole = False
        return items

    def _value(self, depth: int) -> Any:
        self._skip_space()
        if not _OPENING.match(self.text, self.at):
            return self._scalar()
        if depth == MAX_DEPTH:
            self.at = len(self.text)
            raise _NotJsonError
        return self.container(depth + 1)

    def _scalar(self) -> Any:
        """A string, number or literal. One that the end of the text may have cut is none."""
        self._skip_space()
        try:
            value, end = _SCALARS.raw_decode(self.text, self.at)
        except ValueError:
            raise _NotJsonError from None
        if isinstance(value, str):
            value = _without_lone_surrogates(value)
        elif end == len(self.text):
            raise _NotJsonError
        self.at = end
        return value

    def _take(self, character: str) -> bool:
        self._skip_space()
        taken = self.text.startswith(character, self.at)
        self.at += taken
        return taken

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise _NotJsonError

    def _skip_space(self) -> None:
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at


def _without_lone_surrogates(text: str) -> str:
    """JSON may escape half a character, which no UTF-8 can carry: replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
