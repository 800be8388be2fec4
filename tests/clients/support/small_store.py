"""A store in this process whose reads can be made to break, as fsspec knows stores."""

from collections import Counter
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem


class SmallStore(MemoryFileSystem):
    """``small://``: counts how often files are opened."""

    protocol = "small"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    opened: ClassVar[Counter[str]] = Counter()
    cuts: ClassVar[dict[str, list[int]]] = {}
    """By file: after how many bytes of it, at most a piece, the next reads break off."""

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("small://").strip("/")

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            return super().open(path, mode, **options)
        name = path.rpartition("/")[2]
        self.opened[name] += 1
        cuts = self.cuts.get(name)
        return _Cut(self.cat_file(path), cuts.pop(0) if cuts else None)


class _Cut:
    def __init__(self, content: bytes, cut: int | None) -> None:
        self._content, self._cut, self._at = content, cut, 0

    def seek(self, start: int) -> None:
        self._at = start

    def read(self, count: int) -> bytes:
        if self._cut is not None and self._cut <= 0:
            raise ConnectionResetError("cut off")
        count = count if self._cut is None else min(count, self._cut)
        piece = self._content[self._at : self._at + count]
        self._at += len(piece)
        if self._cut is not None:
            self._cut -= len(piece)
        return piece

    def __enter__(self) -> "_Cut":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def empty_store() -> SmallStore:
    fsspec.register_implementation("small", SmallStore, clobber=True)
    SmallStore.store.clear()
    SmallStore.pseudo_dirs[:] = [""]
    SmallStore.opened.clear()
    SmallStore.cuts.clear()
    return SmallStore()
