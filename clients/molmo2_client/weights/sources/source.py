"""What every source of weights can do."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from molmo2_client.weights.remote_file import RemoteFile


class Source(Protocol):
    """A checkpoint somewhere."""

    name: str
    """As the record names it: a hub name, a folder or a URI."""

    @property
    def revision(self) -> str | None:
        """The hub's commit; None elsewhere."""

    def files(self) -> Sequence[RemoteFile]:
        """All files, with paths relative to the checkpoint.

        Raises:
            WeightsError: if there is no such checkpoint, or it cannot be reached.
        """

    def read(self, file: RemoteFile, start: int) -> AbstractContextManager["Content"]:
        """A file's content from ``start`` (bytes) on.

        Raises:
            Interrupted: if it makes sense to try again.
            WeightsError: if it does not.
        """


class Content(Protocol):
    """Content as it comes."""

    @property
    def start(self) -> int:
        """Where it begins: what was asked for, or 0 where a source cannot begin later."""

    def __iter__(self) -> Iterator[bytes]: ...
