"""The digests of a folder's files, where no pull has recorded them."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from molmo2_contract.weights import files_read


def digests(folder: Path) -> dict[str, str]:
    """By name the SHA-256 of what an engine reads; it takes about a second a GB and core."""
    files = files_read(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip((path.name for path in files), pool.map(_sha256, files), strict=True))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
