"""Which files of a checkpoint hold its weights."""

import json
from pathlib import Path

_INDEX = "model.safetensors.index.json"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


class UnfitWeights(Exception):
    """The files do not hold the weights that the configuration describes."""


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of ``folder``; pickled weights are never read.

    Raises:
        UnfitWeights: there are none, or not all that their index names.
    """
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        pickled = any(next(folder.glob(pattern), None) for pattern in _PICKLED)
        why = "; those here are pickled, and reading pickles runs code" if pickled else ""
        raise UnfitWeights(f"{folder}: there are no weights (*.safetensors){why}")
    missing = sorted(_named(folder) - {path.name for path in paths})
    if missing:
        raise UnfitWeights(
            f"{folder}: {', '.join(missing)}: named by {_INDEX} and not here; pull them again"
        )
    return paths


def _named(folder: Path) -> set[str]:
    path = folder / _INDEX
    if not path.is_file():
        return set()
    try:
        return set(json.loads(path.read_text())["weight_map"].values())
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnfitWeights(f"{path}: cannot be read: {error!r}") from None
