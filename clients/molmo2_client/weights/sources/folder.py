"""A checkpoint in a folder of this machine, or of a volume mounted here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from molmo2_client.weights.errors import WeightsError
from molmo2_client.weights.remote_file import RemoteFile
from molmo2_client.weights.sources.recorded import RecordedSource
from molmo2_contract.weights import RECORD_NAME

PIECE = 2**20
"""Bytes that are read at a time."""


class FolderSource(RecordedSource):
    """A folder, and what an earlier pull wrote down in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        record = folder / RECORD_NAME
        super().__init__(str(folder.resolve()), record.read_bytes() if record.is_file() else None)

    def files(self) -> Sequence[RemoteFile]:
        return [
            self.remote_file(path.name, path.stat().st_size)
            for path in self._folder.iterdir()
            if path.is_file()
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
