"""Lets torchvision be imported beside a torch that it was not built for.

PyPI's torchvision is built for CUDA; beside a torch for CPUs its library does not load, and then
its import fails where it describes operators that do not exist. Nothing here calls those: what is
used, resizing, is torch's own.
"""

import importlib.util
import re
from pathlib import Path

import torch

_kept: list[torch.library.Library] = []


def declare() -> None:
    """Declares torchvision's operators, without what they do, if its library does not load."""
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
