"""What ``molmo2 weights pull`` leaves beside the weights, and the archive builder reads."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from molmo2_contract.base import WireModel

RECORD_NAME = "molmo2-weights.json"

READ = (".safetensors", ".json", ".jinja", ".txt")
"""What an engine reads of a checkpoint: weights, configuration, tokenizer, chat template."""

_OF_CONTENT = "sha256:"


def content_revision(digests: Mapping[str, str]) -> str:
    """The revision of files that have none from the hub: a digest of their names and SHA-256."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    return _OF_CONTENT + hashlib.sha256(lines.encode()).hexdigest()


def is_of_content(revision: str | None) -> bool:
    """Whether it is one of ``content_revision``."""
    return revision is not None and revision.startswith(_OF_CONTENT)


def files_read(folder: Path) -> list[Path]:
    """Those that a revision of the content is of."""
    found = (path for path in folder.iterdir() if path.suffix in READ and path.is_file())
    return sorted(p for p in found if p.name != RECORD_NAME and not p.name.startswith("."))


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

    @property
    def pinned(self) -> str:
        """The hub's commit, elsewhere the revision of the content."""
        return self.revision or content_revision(
            {name: file.sha256 for name, file in self.files.items()}
        )

    @classmethod
    def read(cls, folder: Path) -> "WeightsRecord | None":
        """The record of ``folder``; None where there is none.

        Raises:
            ValueError: if it is damaged.
        """
        path = folder / RECORD_NAME
        return cls.model_validate_json(path.read_bytes()) if path.is_file() else None
