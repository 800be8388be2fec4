"""What videos and images share while they are open."""

from types import TracebackType
from typing import Self

from molmo2_handler.video.source import Source


class OpenMedia:
    """Something that is read from ``source``. Close it, or use it as a context manager."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def identity(self) -> str:
        """Equal for equal content, and only then."""
        return self._source.identity

    def close(self) -> None:
        self._source.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
