"""Which files of a checkpoint hold its weights."""

import json
from pathlib import Path

_INDEX = "model.safetensors.index.json"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


class UnfitWeights(Exception):
    """The files do not hold the weights that the configuration describes."""


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that the index of ``folder`` names; without an index all of them.

    Pickled weights are never read.

    Raises:
        UnfitWeights: there are none, or not all that their index names.
    """
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        pickled = any(next(folder.glob(pattern), None) for pattern in _PICKLED)
        why = "; those here are pickled, and reading pickles runs code" if pickled else ""
        raise UnfitWeights(f"{folder}: there are no weights (*.safetensors){why}")
    named = [folder / name for name in _named(folder)]
    if missing := [path.name for path in named if not path.is_file()]:
        raise UnfitWeights(
            f"{folder}: {', '.join(missing)}: named by {_INDEX} and not here; pull them again"
        )
    return named or found


def _named(folder: Path) -> list[str]:
    path = folder / _INDEX
    if not path.is_file():
        return []
    try:
        return sorted(set(json.loads(path.read_text())["weight_map"].values()))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnfitWeights(f"{path}: cannot be read: {error!r}") from None
