"""Why a checkpoint is not served."""

from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST = 300
"""Characters of another library's reason."""


class CheckpointRefused(Exception):
    """A checkpoint cannot be served as the settings say; the message is for the operator."""


@contextmanager
def refused_if_unfit(what: str) -> Iterator[None]:
    """Around what reads a checkpoint's files with somebody else's code, which may raise anything.

    Raises:
        CheckpointRefused: with the reason in one line; want of memory passes.
    """
    try:
        yield
    except CheckpointRefused:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise CheckpointRefused(f"{what}: {reason[:_LONGEST]}") from error


def is_out_of_memory(error: Exception) -> bool:
    """On a GPU or a CPU; torch has a class for the first only, and is not imported here."""
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
