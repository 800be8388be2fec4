"""Whether this server still takes requests.

It is being drained while the file ``draining`` is in its run directory. TorchServe goes on to
accept connections then, so that it is the workers who refuse. Requests that waited in TorchServe's
queue when the drain began are answered: the file has one byte for each of them, the queue is first
in, first out, and each worker that takes a request takes a byte.
"""

import fcntl
import os
from pathlib import Path

from molmo2_contract.errors import Overloaded
from molmo2_contract.run_directory import DRAINING

_RETRY_AFTER = 5.0
"""Seconds; by then a balancer has found another server, or this one is back."""


class DrainGate:
    """The gate of one worker."""

    def __init__(self, run_directory: Path) -> None:
        self._file = run_directory / DRAINING

    def pass_through(self) -> None:
        """Raises:
        Overloaded: if the server is being drained and the request came after that.
        """
        try:
            descriptor = os.open(self._file, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            waiting = os.fstat(descriptor).st_size
            if not waiting:
                raise Overloaded(
                    "the server is being stopped and takes no new requests; ask another one, or "
                    "again when it is back",
                    retry_after=_RETRY_AFTER,
                )
            os.ftruncate(descriptor, waiting - 1)
        finally:
            os.close(descriptor)
