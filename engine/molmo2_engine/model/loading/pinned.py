"""Whether a folder still holds what was pulled, or what its archive was built from: every bit."""

import hashlib
from pathlib import Path
from typing import Protocol

from molmo2_contract.weights import (
    RECORD_NAME,
    WeightsRecord,
    content_revision,
    files_read,
    is_of_content,
)
from molmo2_engine.model.loading.weight_files import UnfitWeights


class Pinned(Protocol):
    """What a folder is held to while its weights are read. Each raises UnfitWeights."""

    def require_others(self) -> None:
        """Looks at the files beside the weights."""

    def require(self, path: Path, sha256: str) -> None:
        """Is told the digest of a file of weights."""

    def finish(self) -> None:
        """All weights have been read."""


def pinned(folder: Path, revision: str | None) -> Pinned | None:
    """What ``folder`` is held to: the record of its pull, or else ``revision``; maybe nothing.

    Raises:
        UnfitWeights: if the record is damaged, or is that of another revision.
    """
    try:
        record = WeightsRecord.read(folder)
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise UnfitWeights(f"{folder / RECORD_NAME}: cannot be read: {reason}") from None
    if record is not None:
        if revision is not None and not record.pinned.startswith(revision):
            raise UnfitWeights(
                f"{folder}: holds revision {record.pinned}, and {revision} is to be served; build "
                "the archive again, or name the folder that has that one"
            )
        return _Recorded(folder, record)
    return _Content(folder, revision) if revision and is_of_content(revision) else None


class _Recorded:
    """The files as ``molmo2 weights pull`` wrote them down."""

    _REMEDY = (
        "it was damaged or changed since. Remove the folder and pull again, or, if this was meant, "
        f"remove {RECORD_NAME} or set verify_weights to false"
    )

    def __init__(self, folder: Path, record: WeightsRecord) -> None:
        self._folder = folder
        self._files = record.files

    def require_others(self) -> None:
        for path in (self._folder / name for name in self._files):
            if not path.is_file():
                raise UnfitWeights(f"{path}: was pulled and is not here; pull the checkpoint again")
            if path.suffix != ".safetensors":
                self.require(path, _sha256(path))

    def require(self, path: Path, sha256: str) -> None:
        known = self._files.get(path.name)
        if known is None:
            raise UnfitWeights(
                f"{path}: is not among what was pulled ({RECORD_NAME}); {self._REMEDY}"
            )
        if known.sha256 != sha256:
            raise UnfitWeights(
                f"{path}: is not what was pulled, by its SHA-256 ({RECORD_NAME}); {self._REMEDY}"
            )

    def finish(self) -> None:
        pass


class _Content:
    """The files that an archive was built from, by one digest of all of them."""

    def __init__(self, folder: Path, revision: str) -> None:
        self._folder = folder
        self._revision = revision
        self._digests: dict[str, str] = {}

    def require_others(self) -> None:
        pass

    def require(self, path: Path, sha256: str) -> None:
        self._digests[path.name] = sha256

    def finish(self) -> None:
        digests = {
            path.name: self._digests.get(path.name) or _sha256(path)
            for path in files_read(self._folder)
        }
        if content_revision(digests) != self._revision:
            raise UnfitWeights(
                f"{self._folder}: is not what the archive was built from ({self._revision}): a "
                "file was changed, added or removed since. Build the archive again, or set "
                "verify_weights to false"
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
