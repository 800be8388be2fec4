"""Lets torchvision be imported beside a torch that it was not built for.

PyPI's torchvision is built for CUDA; beside a torch for CPUs its library does not load, and then
its import fails where it describes operators that do not exist. Nothing here calls those: what is
used, resizing, is torch's own.

It lies beside torchvision in the reference's environment, where a line in a ``.pth`` file calls
``declare_when_imported`` whenever Python starts.
"""

import importlib.util
import re
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

_kept: list[Any] = []


class _BeforeTorchvision(MetaPathFinder):
    """Finds nothing; hears what is about to be imported."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "torchvision":
            sys.meta_path.remove(self)
            declare()


def declare_when_imported() -> None:
    """Calls ``declare`` in time, without importing torch before that."""
    if not any(isinstance(finder, _BeforeTorchvision) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BeforeTorchvision())


def declare() -> None:
    """Declares torchvision's operators, without what they do, if its library does not load."""
    import torch

    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ImportError("torchvision is not installed")
    folder = Path(spec.origin).parent
    try:
        torch.ops.load_library(str(folder / "_C.so"))
    except OSError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        source = (folder / "_meta_registrations.py").read_text()
        names = re.findall(r'register_(?:fake|meta)\("(?:torchvision::)?(\w+)"\)', source)
        for name in set(names):
            library.define(f"{name}(Tensor x) -> Tensor")
        _kept.append(library)
