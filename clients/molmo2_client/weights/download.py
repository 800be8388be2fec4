"""One file from its source, taken up where it was left, and verified."""

import time
from collections.abc import Callable
from pathlib import Path

from molmo2_client.weights.errors import Damaged, Interrupted, WeightsError
from molmo2_client.weights.remote_file import RemoteFile, Verifier
from molmo2_client.weights.sources import Source
from molmo2_contract.weights import WeightFile

ATTEMPTS = 5
"""In a row that bring no byte, before a file is given up."""

_PIECE = 2**20
_PAUSE = 0.5
"""Seconds after the first attempt that brought nothing; each one after it waits twice as long."""

Arrived = Callable[[int], None]
"""Hears of bytes: those that came, and less than none where some have to come again."""


def download(source: Source, file: RemoteFile, folder: Path, arrived: Arrived) -> WeightFile:
    """Writes ``folder/<file.path>`` when all of it is there and right.

    What is there of the same content is kept and counted; a file that has its name is verified.

    Raises:
        Interrupted: the source went away ``ATTEMPTS`` times in a row; call again to continue.
        WeightsError: the source refuses, or its content is not what it announced, twice.
    """
    whole = folder / file.path
    part = folder / f"{file.path}.{file.mark}.part"
    if whole.is_file():
        whole.replace(part)
    for last in (False, True):
        verifier = _complete(source, file, part, arrived)
        if verifier.is_right:
            part.replace(whole)
            return WeightFile(size=file.size, sha256=verifier.sha256)
        arrived(-part.stat().st_size)
        part.unlink()
        if last:
            break
    raise Damaged(f"{source.name}: {file.path} came twice with a content that it should not have")


def _complete(source: Source, file: RemoteFile, part: Path, arrived: Arrived) -> Verifier:
    """Makes ``part`` as long as the file; returns what was taken of it, from its beginning."""
    failures = 0
    verifier = _take(file, part)
    arrived(part.stat().st_size if part.exists() else 0)
    while (held := part.stat().st_size if part.exists() else 0) < file.size or not part.exists():
        try:
            verifier = _continue(source, file, part, held, verifier, arrived)
        except Interrupted:
            verifier = _take(file, part)
            grown = part.exists() and part.stat().st_size > held
            failures = 0 if grown else failures + 1
            if failures == ATTEMPTS:
                raise
            time.sleep(_PAUSE * 2**failures if failures else 0)
    return verifier


def _continue(
    source: Source,
    file: RemoteFile,
    part: Path,
    held: int,
    verifier: Verifier,
    arrived: Arrived,
) -> Verifier:
    """Appends what the source sends; from the beginning where it cannot start later."""
    with source.read(file, held) as content:
        if content.start != held:
            arrived(-held)
            verifier, held = file.verifier(), 0
        came = 0
        try:
            with part.open("ab" if held else "wb") as target:
                for piece in content:
                    target.write(piece)
                    verifier.update(piece)
                    arrived(len(piece))
                    came += len(piece)
                    if held + came > file.size:
                        return verifier  # longer than announced: not this content
        except OSError as error:
            raise WeightsError(f"{part}: {error}") from None
    if held + came < file.size:
        raise Interrupted(f"{source.name}: {file.path} ended after {held + came} bytes")
    return verifier


def _take(file: RemoteFile, part: Path) -> Verifier:
    """What is there of an earlier run."""
    verifier = file.verifier()
    if part.exists():
        with part.open("rb") as stream:
            while piece := stream.read(_PIECE):
                verifier.update(piece)
    return verifier
