"""QuickTime files whose sample data lies elsewhere, by their own account (QTFF, ``dref``)."""

import struct

_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")


def with_url(content: bytes, url: str) -> bytes:
    """``content`` with its data reference turned into the URL of another file."""
    return _with_reference(content, _box(b"url ", bytes(4) + url.encode() + b"\0"))


def with_alias(content: bytes, path: str) -> bytes:
    """``content`` with its data reference turned into a Macintosh alias of another file."""
    folder, _, name = path.encode().rpartition(b"/")
    alias = b"".join(
        [
            bytes(10),
            _pascal(b"disk", 28),
            bytes(12),
            _pascal(name, 64),
            bytes(16),
            struct.pack(">HH", 1, 1),  # levels up and down to the common folder
            bytes(16),
            _record(2, b"disk:" + folder.strip(b"/").replace(b"/", b":") + b":" + name),
            _record(18, path.encode()),  # the path as POSIX writes it
            struct.pack(">hH", -1, 0),
        ]
    )
    return _with_reference(content, _box(b"alis", bytes(4) + alias))


def _with_reference(content: bytes, reference: bytes) -> bytes:
    """Replaces the first entry of the first ``dref``; the index must follow the sample data."""
    places, at, end = [], 0, len(content)
    for kind in _CONTAINERS:
        while content[at + 4 : at + 8] != kind:
            at += int.from_bytes(content[at : at + 4], "big")
            assert at < end, kind
        places.append(at)
        end = at + int.from_bytes(content[at : at + 4], "big")
        at += 16 if kind == b"dref" else 8
    changed = bytearray(content)
    grown = len(reference) - (end - at)
    changed[at:end] = reference
    for place in places:
        size = int.from_bytes(content[place : place + 4], "big") + grown
        changed[place : place + 4] = size.to_bytes(4, "big")
    return bytes(changed)


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload) + 8) + kind + payload


def _pascal(text: bytes, room: int) -> bytes:
    return bytes([len(text)]) + text.ljust(room - 1, b"\0")


def _record(kind: int, payload: bytes) -> bytes:
    return struct.pack(">hH", kind, len(payload)) + payload + bytes(len(payload) % 2)
