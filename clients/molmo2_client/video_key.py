"""A name for a video, the same in every request about it.

Routers between here and the servers read it, so that a video's requests find the server that holds
its prefix. Servers do not.
"""

import hashlib
from pathlib import Path

from molmo2_client.upload import Source

HEADER = "x-molmo2-video"
"""Of HTTP, and in gRPC's metadata."""

_PIECE = 2**16
"""Bytes that are read at each end of a video that is sent as bytes."""


def video_key(uri: str | None, source: Source) -> str | None:
    """16 hexadecimal digits; None where nothing names a video.

    A video that the server opens is named by its URI; a file that is sent by its path, size and
    time of change; bytes by their number and both their ends. None of it can be read from the key.
    """
    if isinstance(source, bytes):
        told = b"%d " % len(source) + source[:_PIECE] + source[-_PIECE:]
    elif isinstance(source, Path):
        try:
            state = source.stat()
        except OSError:  # whoever reads it next says what is wrong
            return None
        told = f"{source.absolute()} {state.st_size} {state.st_mtime_ns}".encode()
    elif uri is not None:
        told = uri.encode()
    else:
        return None
    return hashlib.blake2b(told, digest_size=8).hexdigest()
