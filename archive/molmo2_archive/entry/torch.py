"""A stand-in for torch in request workers, which run no model.

TorchServe's worker imports torch for the two names below. The real one costs 140 MB and 2 s a
worker; the model runs in the engine process, which does not see this file.
"""

__version__ = "0.0.0+stand-in"


class Tensor:
    """No reply is ever one."""


def save(*_: object) -> None:
    """Never called: TorchServe saves replies that are tensors."""
    raise NotImplementedError("request workers have no torch")
