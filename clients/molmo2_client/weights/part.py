"""What is here of one file, and of a whole checkpoint, before all of it is."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from molmo2_client.weights.errors import WeightsError
from molmo2_client.weights.remote_file import RemoteFile
from molmo2_client.weights.sources import Source

_PIECE = 2**20
_ANNOUNCED = ".announced.json"
"""What the source said that it has, when the folder was begun."""


class Part:
    """The beginning of a file, on the disk, and its digests so far."""

    def __init__(self, file: RemoteFile, folder: Path) -> None:
        """What an earlier run left of this content is taken up."""
        self.path = folder / part_name(file)
        self.held = 0
        """Bytes."""
        self._file = file
        self._verifier = file.verifier()
        whole = folder / file.path
        if whole.is_file():
            whole.replace(self.path)
        if self.path.exists():
            with self.path.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    self._verifier.update(piece)
                    self.held += len(piece)

    @property
    def is_right(self) -> bool:
        return self._verifier.is_right

    @property
    def sha256(self) -> str:
        return self._verifier.sha256

    def append(self, pieces: Iterator[bytes]) -> Iterator[int]:
        """Writes what comes, and tells how many bytes each piece was.

        Raises:
            WeightsError: if it cannot be written.
        """
        with self.path.open("ab") as target:
            for piece in pieces:
                try:
                    target.write(piece)
                    target.flush()
                except OSError as error:
                    raise WeightsError(f"{self.path}: {error}") from None
                self._verifier.update(piece)
                self.held += len(piece)
                yield len(piece)

    def empty(self) -> None:
        """Begins anew."""
        self.path.unlink(missing_ok=True)
        self._verifier, self.held = self._file.verifier(), 0


def part_name(file: RemoteFile) -> str:
    return f"{file.path}.{file.mark}.part"


@contextmanager
def begun(part: Path, source: Source, files: Sequence[RemoteFile]) -> Iterator[None]:
    """Keeps of what is in the folder ``part`` only what is of these files, while one pull runs.

    A file without a digest cannot be verified: what is here of it is kept only if the source said
    the same of it as it does now.

    Raises:
        WeightsError: if another pull is at work there.
    """
    part.mkdir(parents=True, exist_ok=True)
    announced = {
        "source": source.name,
        "revision": source.revision,
        "files": {file.path: file.mark for file in files},
    }
    with (part / _ANNOUNCED).open("a+") as note:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WeightsError(f"{part}: another pull is at work there; wait for it") from None
        is_same = _read(part / _ANNOUNCED) == announced
        kept = [file for file in files if is_same or file.is_verifiable]
        remove_others(part, {_ANNOUNCED, *(name for f in kept for name in (f.path, part_name(f)))})
        note.truncate(0)
        note.write(json.dumps(announced))
        note.flush()
        yield


def remove_others(part: Path, names: set[str]) -> None:
    """What earlier runs left of other contents."""
    for path in part.iterdir():
        if path.name not in names:
            os.unlink(path)


def _read(path: Path) -> object:
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None
