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
            self.remote_file(path.name, status.st_size, str(status.st_mtime_ns))
            for path in self._folder.iterdir()
            if path.is_file() and (status := path.stat())
        ]

    @contextmanager
    def read(self, file: RemoteFile, start: int) -> Iterator["OpenFile"]:
        path = self._folder / file.path
        try:
            stream = path.open("rb")
        except OSError as error:
            raise WeightsError(f"{path}: {error}") from None
        with stream:
            yield OpenFile(path, stream, start)


@dataclass(frozen=True)
class OpenFile:
    """What is left of an open file."""

    path: Path
    stream: BinaryIO
    start: int

    def __iter__(self) -> Iterator[bytes]:
        try:
            self.stream.seek(self.start)
            while piece := self.stream.read(PIECE):
                yield piece
        except OSError as error:
            raise WeightsError(f"{self.path}: {error}") from None
