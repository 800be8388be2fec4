"""A checkpoint in a folder of this machine, or of a volume mounted here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from molmo2_client.weights.errors import WeightsError
from molmo2_client.weights.remote_file import RemoteFile
from molmo2_contract.weights import RECORD_NAME, WeightsRecord

PIECE = 2**20
"""Bytes that are read at a time."""


class FolderSource:
    """Digests are those of an earlier pull, where the folder has its record."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._record = WeightsRecord.read(folder)
        except ValueError as error:
            raise WeightsError(f"{folder}: its {RECORD_NAME} is damaged: {error}") from None
        self.name = self._record.source if self._record else str(folder.resolve())

    @property
    def revision(self) -> str | None:
        return self._record.revision if self._record else None

    def files(self) -> Sequence[RemoteFile]:
        known = self._record.files if self._record else {}
        return [
            RemoteFile(
                path.name,
                path.stat().st_size,
                known[path.name].sha256 if path.name in known else None,
            )
            for path in self._folder.iterdir()
            if path.is_file() and path.name != RECORD_NAME
        ]

    @contextmanager
    def read(self, file: RemoteFile, start: int) -> Iterator["OpenFile"]:
        try:
            with (self._folder / file.path).open("rb") as stream:
                stream.seek(start)
                yield OpenFile(stream, start)
        except OSError as error:
            raise WeightsError(f"{self._folder / file.path}: {error}") from None


@dataclass(frozen=True)
class OpenFile:
    """What is left of an open file."""

    stream: BinaryIO
    start: int

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.stream.read(PIECE):
            yield piece
