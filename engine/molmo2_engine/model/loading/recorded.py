"""Whether a folder still holds what ``molmo2 weights pull`` wrote down: every bit of every file."""

import hashlib
from pathlib import Path

from molmo2_contract.weights import RECORD_NAME, WeightsRecord
from molmo2_engine.model.loading.weight_files import UnfitWeights

_REMEDY = (
    f"it was damaged or changed since. Remove the folder and pull again, or, if this was meant, "
    f"remove {RECORD_NAME} or set verify_weights to false"
)


class Recorded:
    """The digests of a folder's files as they were pulled."""

    def __init__(self, folder: Path, record: WeightsRecord) -> None:
        self._folder = folder
        self._record = record

    @classmethod
    def of(cls, folder: Path) -> "Recorded | None":
        """None for a folder that nobody pulled.

        Raises:
            UnfitWeights: if the record is damaged.
        """
        try:
            record = WeightsRecord.read(folder)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise UnfitWeights(f"{folder / RECORD_NAME}: cannot be read: {reason}") from None
        return None if record is None else cls(folder, record)

    def require_others(self) -> None:
        """Raises UnfitWeights if a file is missing, or one beside the weights is another."""
        for name in self._record.files:
            path = self._folder / name
            if not path.is_file():
                raise UnfitWeights(f"{path}: was pulled and is not here; pull the checkpoint again")
            if path.suffix != ".safetensors":
                with path.open("rb") as file:
                    self.require(path, hashlib.file_digest(file, "sha256").hexdigest())

    def require(self, path: Path, sha256: str) -> None:
        """Raises UnfitWeights if this file had another digest."""
        known = self._record.files.get(path.name)
        if known is None:
            raise UnfitWeights(f"{path}: is not among what was pulled ({RECORD_NAME}); {_REMEDY}")
        if known.sha256 != sha256:
            raise UnfitWeights(
                f"{path}: is not what was pulled, by its SHA-256 ({RECORD_NAME}); {_REMEDY}"
            )
