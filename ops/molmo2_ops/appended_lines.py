"""The lines that another process appends to a log."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


class AppendedLines:
    """Follows a file from its end on, also when it is replaced by a new one of the same name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._file = self._opened()
        if self._file is not None:
            self._file.seek(0, 2)

    def read(self) -> Iterator[str]:
        """The whole lines that have come since it was last asked."""
        yield from self._lines()
        if self._is_replaced():
            self.close()
            self._file, self._rest = self._opened(), b""
            yield from self._lines()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _opened(self) -> IO[bytes] | None:
        try:
            return self._path.open("rb")
        except OSError:
            return None

    def _lines(self) -> Iterator[str]:
        if self._file is not None:
            *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)

    def _is_replaced(self) -> bool:
        try:
            there = self._path.stat()
        except OSError:
            return False
        if self._file is None:
            return True
        return os.fstat(self._file.fileno()).st_ino != there.st_ino
