"""Finds ``<points …>`` and ``<tracks …>`` in a text, also where the tag is not well formed.

The text is read from left to right and a longer text never changes what was read of a shorter one,
except in the tag that the shorter one's end cut. Streaming rests on that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_OPENING = re.compile(r"<(?:points?|tracks?)\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"[^<>]*?\b(?P<name>[a-z]\w*)\s*=\s*(?P<quote>[\"'])", re.IGNORECASE)
_OPENING_END = re.compile(r"[^<>]*?(?P<itself>/?)>")
_BODY = re.compile(r"(?P<body>[^<]*)<")
# Coordinates hold none of these, so they end there even if their closing quote was forgotten.
_COORDINATES_END = re.compile(r"[\"'<>]|/(?=>)")


@dataclass
class Tag:
    """One tag. Of an attribute that stands twice, the first counts.

    ``body`` is what stands before the next ``<``, None where nothing closes it.
    ``coordinates_cut`` says that the text ends inside the value of ``coords``.
    """

    attributes: dict[str, str] = field(default_factory=dict)
    coordinates_cut: bool = False
    body: str | None = None


def find_tags(text: str) -> Iterator[Tag]:
    """Every tag of ``text`` in order."""
    at = 0
    while opening := _OPENING.search(text, at):
        tag = Tag()
        at = _read_attributes(tag, text, opening.end())
        at = _read_body(tag, text, at)
        yield tag


def _read_attributes(tag: Tag, text: str, at: int) -> int:
    while attribute := _ATTRIBUTE.match(text, at):
        name, quote, start = attribute["name"].lower(), attribute["quote"], attribute.end()
        if name == "coords":
            end = _COORDINATES_END.search(text, start)
            at = end.start() + (end[0] in "\"'") if end else len(text)
            if name not in tag.attributes:
                tag.coordinates_cut = end is None
                tag.attributes[name] = text[start : end.start() if end else None]
        else:
            stop = text.find(quote, start)
            if stop < 0 or "<" in text[start:stop]:
                return start
            at = stop + 1
            tag.attributes.setdefault(name, text[start:stop])
    return at


def _read_body(tag: Tag, text: str, at: int) -> int:
    end = _OPENING_END.match(text, at)
    if end is None:
        return at
    if not end["itself"] and (body := _BODY.match(text, end.end())):
        tag.body = body["body"]
    return end.end()
