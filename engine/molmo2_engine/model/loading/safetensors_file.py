"""Reads safetensors piece by piece into a small buffer.

The files are read, not mapped: pages of a mapped file count as the process's memory, so that a
container whose limit is near the weights' size would be killed although nothing is copied.

Format: 8 bytes, little-endian, the length of a JSON header; that header, which tells each tensor's
type, shape and place; then the tensors (https://github.com/huggingface/safetensors#format).
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import torch

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


class SafetensorsFile:
    """An open file. ``buffer`` is used for every piece, one after the other."""

    def __init__(self, path: Path, buffer: torch.Tensor) -> None:
        self._path = path
        self._buffer = buffer
        self._file: BinaryIO = path.open("rb", buffering=0)
        try:
            self.tensors = self._read_header()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._file.close()
            raise DamagedFile(f"{path}: its header cannot be read: {error}") from None

    def pieces(self, tensor: StoredTensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Rows of ``tensor`` from the first on: where they begin, and as many as the buffer holds.

        A piece is good until the next one is asked for.

        Raises:
            DamagedFile: if the file ends too early.
        """
        at_once = max(1, self._buffer.numel() // max(1, tensor.row_bytes))
        buffer = self._buffer
        if tensor.row_bytes > buffer.numel():
            buffer = torch.empty(tensor.row_bytes, dtype=torch.uint8)
        self._file.seek(tensor.begin)
        for start in range(0, tensor.rows, at_once):
            count = min(at_once, tensor.rows - start)
            piece = buffer[: count * tensor.row_bytes]
            self._fill(piece, tensor)
            yield start, piece.view(tensor.dtype).reshape(count, *tensor.row_shape)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fill(self, piece: torch.Tensor, tensor: StoredTensor) -> None:
        rest = memoryview(piece.numpy())
        while rest:
            read = self._file.readinto(rest)  # type: ignore[attr-defined]
            if not read:
                raise DamagedFile(f"{self._path}: ends within {tensor.name}")
            rest = rest[read:]

    def _read_header(self) -> list[StoredTensor]:
        length = int.from_bytes(self._file.read(8), "little")
        if not 0 < length <= _MAX_HEADER_BYTES:
            raise ValueError(f"{length} bytes")
        header = json.loads(self._file.read(length))
        header.pop("__metadata__", None)
        return [self._stored(name, entry, 8 + length) for name, entry in header.items()]

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
