"""One file from its source, taken up where it was left, and verified."""

import time
from collections.abc import Callable
from pathlib import Path

from molmo2_client.weights.errors import Damaged, Interrupted
from molmo2_client.weights.part import Part
from molmo2_client.weights.remote_file import RemoteFile
from molmo2_client.weights.sources import Source
from molmo2_contract.weights import WeightFile

ATTEMPTS = 5
"""In a row that bring no byte, before a file is given up."""

_PAUSE = 0.5
"""Seconds after the first attempt that brought nothing; each one after it waits twice as long."""

Arrived = Callable[[int], None]
"""Hears of bytes: those that came, and less than none where some have to come again. What it raises
ends the download."""


def download(source: Source, file: RemoteFile, folder: Path, arrived: Arrived) -> WeightFile:
    """Writes ``folder/<file.path>`` when all of it is there and right.

    What is there of the same content is kept and counted; a file that has its name is verified.

    Raises:
        Interrupted: the source went away ``ATTEMPTS`` times in a row; call again to continue.
        WeightsError: the source refuses, its content is not what it announced, twice, or it cannot
            be written.
    """
    part = Part(file, folder)
    arrived(part.held)
    for _ in range(2):
        _complete(source, file, part, arrived)
        if part.is_right:
            part.path.replace(folder / file.path)
            return WeightFile(size=file.size, sha256=part.sha256, mark=file.mark_to_record)
        _empty(part, arrived)
    raise Damaged(f"{source.name}: {file.path} came twice with a content that it should not have")


def _complete(source: Source, file: RemoteFile, part: Part, arrived: Arrived) -> None:
    """Makes ``part`` as long as the file, or longer where the source has more than it announced."""
    failures = 0
    while part.held < file.size or not part.path.exists():
        held = part.held
        try:
            _continue(source, file, part, arrived)
        except Interrupted:
            failures = 0 if part.held > held else failures + 1
            if failures == ATTEMPTS:
                raise
            time.sleep(_PAUSE * 2 ** (failures - 1) if failures else 0)
            arrived(0)  # another file may have ended the pull


def _continue(source: Source, file: RemoteFile, part: Part, arrived: Arrived) -> None:
    """Appends what the source sends; from the beginning where it cannot start later."""
    with source.read(file, part.held) as content:
        if content.start != part.held:
            _empty(part, arrived)
        for count in part.append(iter(content)):
            arrived(count)
            if part.held > file.size:
                return
    if part.held < file.size:
        raise Interrupted(f"{source.name}: {file.path} ended after {part.held} bytes")


def _empty(part: Part, arrived: Arrived) -> None:
    arrived(-part.held)
    part.empty()
