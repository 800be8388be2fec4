"""Reads safetensors piece by piece into a small buffer.

The files are read, not mapped: pages of a mapped file count as the process's memory, so that a
container whose limit is near the weights' size would be killed although nothing is copied.

Format: 8 bytes, little-endian, the length of a JSON header; that header, which tells each tensor's
type, shape and place; then the tensors (https://github.com/huggingface/safetensors#format).
"""

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Self

import torch

from molmo2_engine.model.loading.file_hash import FileHash

_TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_MAX_HEADER_BYTES = 100_000_000
"""As the format has it."""

BUFFER_BYTES = 2**26


class DamagedFile(Exception):
    """The file is not what its header, or its name, says."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file: its name, type, shape, and the byte at which it begins."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 1

    @property
    def row_shape(self) -> tuple[int, ...]:
        return self.shape[1:]

    @property
    def row_bytes(self) -> int:
        return math.prod(self.row_shape) * self.dtype.itemsize

    @property
    def end(self) -> int:
        return self.begin + self.rows * self.row_bytes


class SafetensorsFile:
    """An open file. ``buffer`` is used for every piece, its halves in turn.

    Tensors are in the order in which they lie, so that the file is read once, from its beginning,
    also where its digest is wanted.
    """

    def __init__(self, path: Path, buffer: torch.Tensor, *, hashed: bool = False) -> None:
        self._path = path
        self._buffer = buffer
        self._turn = 0
        self._hash = FileHash() if hashed else None
        self._file: BinaryIO = path.open("rb", buffering=0)
        try:
            self.tensors = self._read_header()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self.close()
            raise DamagedFile(f"{path}: its header cannot be read: {error}") from None

    def pieces(self, tensor: StoredTensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Rows of ``tensor`` from the first on: where they begin, and as many as fit at once.

        A piece is good until the next one is asked for.

        Raises:
            DamagedFile: if the file ends too early.
        """
        self._go_to(tensor.begin, tensor.name)
        at_once = max(1, self._buffer.numel() // 2 // max(1, tensor.row_bytes))
        for start in range(0, tensor.rows, at_once):
            count = min(at_once, tensor.rows - start)
            piece = self._next(count * tensor.row_bytes, tensor.name)
            yield start, piece.view(tensor.dtype).reshape(count, *tensor.row_shape)

    def sha256(self) -> str:
        """Of the whole file, which must be ``hashed``; what was not looked at is read now."""
        assert self._hash is not None
        self._go_to(os.fstat(self._file.fileno()).st_size, "what follows the tensors")
        digest, self._hash = self._hash.close(), None
        return digest

    def close(self) -> None:
        if self._hash is not None:
            self._hash.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _go_to(self, place: int, wanted: str) -> None:
        """Skips, or reads for the digest, what lies before."""
        if self._hash is None:
            self._file.seek(place)
            return
        while (left := place - self._file.tell()) > 0:
            self._next(min(left, self._buffer.numel() // 2), wanted)

    def _next(self, count: int, wanted: str) -> torch.Tensor:
        """So many bytes; in the buffer where they fit in half of it."""
        half = self._buffer.numel() // 2
        self._turn = half - self._turn
        piece = self._buffer[self._turn : self._turn + count]
        if count > half:
            piece = torch.empty(count, dtype=torch.uint8)
        if self._hash is not None:
            self._hash.make_room()
        content = memoryview(piece.numpy())
        rest = content
        while rest:
            read = self._file.readinto(rest)  # type: ignore[attr-defined]
            if not read:
                raise DamagedFile(f"{self._path}: ends within {wanted}")
            rest = rest[read:]
        if self._hash is not None:
            self._hash.take(content)
        return piece

    def _read_header(self) -> list[StoredTensor]:
        first = self._file.read(8)
        length = int.from_bytes(first, "little")
        if not 0 < length <= _MAX_HEADER_BYTES:
            raise ValueError(f"{length} bytes")
        header = self._file.read(length)
        if self._hash is not None:
            self._hash.take(first + header)
        entries = json.loads(header)
        entries.pop("__metadata__", None)
        tensors = [self._stored(name, entry, 8 + length) for name, entry in entries.items()]
        tensors.sort(key=lambda tensor: tensor.begin)
        for before, behind in pairwise(tensors):
            if before.end > behind.begin:
                raise ValueError(f"{before.name} and {behind.name} lie in each other")
        return tensors

    def _stored(self, name: str, entry: dict[str, object], data: int) -> StoredTensor:
        if entry["dtype"] not in _TYPES:
            raise ValueError(f"{name} is of type {entry['dtype']}; known are {', '.join(_TYPES)}")
        begin, end = entry["data_offsets"]
        tensor = StoredTensor(name, _TYPES[entry["dtype"]], tuple(entry["shape"]), data + begin)
        if begin < 0 or end - begin != tensor.rows * tensor.row_bytes:
            raise ValueError(f"{name} takes bytes {begin} to {end} for {tensor.shape}")
        return tensor


def reading_buffer(device: torch.device) -> torch.Tensor:
    """Where pieces are read into; pinned where they go on to a GPU."""
    return torch.empty(BUFFER_BYTES, dtype=torch.uint8, pin_memory=device.type == "cuda")
