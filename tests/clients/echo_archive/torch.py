"""Stands in for torch in this archive's workers, which start in a tenth of the time without it.

TorchServe's own modules name these two and use neither here.
"""


class Tensor: ...


def save(*_: object) -> None:
    raise NotImplementedError
