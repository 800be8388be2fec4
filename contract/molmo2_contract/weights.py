"""What ``molmo2 weights pull`` leaves beside the weights, and the archive builder reads."""

from pathlib import Path

from pydantic import Field

from molmo2_contract.base import WireModel

RECORD_NAME = "molmo2-weights.json"


class WeightFile(WireModel):
    """One file of a checkpoint."""

    size: int = Field(ge=0, description="Bytes.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    mark: str | None = Field(
        None, description="What a source without digests told of it, to see that it has another."
    )


class WeightsRecord(WireModel):
    """Where a folder's checkpoint came from; written once all of it is there and verified."""

    source: str = Field(description="Its name on the hub, a folder, or the URI of a folder.")
    revision: str | None = Field(description="The hub's commit; None elsewhere.")
    files: dict[str, WeightFile]

    @classmethod
    def read(cls, folder: Path) -> "WeightsRecord | None":
        """The record of ``folder``; None where there is none.

        Raises:
            ValueError: if it is damaged.
        """
        path = folder / RECORD_NAME
        return cls.model_validate_json(path.read_bytes()) if path.is_file() else None
