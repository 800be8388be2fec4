"""A checkpoint's files as their source lists them, and which of them are fetched."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from molmo2_client.weights.errors import WeightsError
from molmo2_contract.weights import READ, RECORD_NAME

_AT_THE_TOP = re.compile(r"\w[\w.-]*")
"""A file's name without a folder."""

_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True)
class RemoteFile:
    """One file, and the digest that its content must have where the source tells one."""

    path: str
    size: int
    """Bytes."""
    sha256: str | None = None
    git_blob: str | None = None
    """Git's own digest: SHA-1 of a header with the size, and the content."""

    version: str | None = None
    """What a source without digests says of the content: an ETag, or when it was changed."""

    @property
    def is_verifiable(self) -> bool:
        """Whether the source tells a digest."""
        return (self.sha256 or self.git_blob) is not None

    @property
    def mark(self) -> str:
        """Tells this content from another of the same name, as far as the source does."""
        said = f"{self.version or ''} {self.size}"
        return (self.sha256 or self.git_blob or hashlib.sha256(said.encode()).hexdigest())[:16]

    @property
    def mark_to_record(self) -> str | None:
        """None where digests tell more."""
        return None if self.is_verifiable else self.mark

    def verifier(self) -> "Verifier":
        return Verifier(self)


class Verifier:
    """Takes a file's content in order; ``sha256`` and ``is_right`` are of all that it took."""

    def __init__(self, file: RemoteFile) -> None:
        self._file = file
        self._size = 0
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)

    def update(self, content: Any) -> None:
        self._size += len(content)
        self._sha256.update(content)
        if self._file.git_blob is not None:
            self._git.update(content)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def is_right(self) -> bool:
        file = self._file
        return (
            self._size == file.size
            and file.sha256 in (None, self.sha256)
            and file.git_blob in (None, self._git.hexdigest())
        )


def choose(files: Iterable[RemoteFile], source: str) -> list[RemoteFile]:
    """The files to fetch: those at the top that an engine reads, the smallest first.

    Never pickles, never code.

    Raises:
        WeightsError: if this is no checkpoint, or its weights are pickled.
    """
    top = [file for file in files if _AT_THE_TOP.fullmatch(file.path)]
    chosen = [f for f in top if f.path.endswith(READ) and f.path != RECORD_NAME]
    if not any(file.path == "config.json" for file in chosen):
        raise WeightsError(f"{source}: has no config.json; this is not a checkpoint")
    if not any(file.path.endswith(".safetensors") for file in chosen):
        pickled = any(file.path.endswith(_PICKLED) for file in top)
        found = (
            "its weights are pickled, and reading pickles runs code" if pickled else "no weights"
        )
        raise WeightsError(f"{source}: {found}; only safetensors are fetched")
    return sorted(chosen, key=lambda file: (file.size, file.path))
