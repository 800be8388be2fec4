"""The file of one entry: three NumPy arrays (``.npy``), one after the other.

They are the JSON of what is answered about the video (uint8), the numbers of the sampled frames
(int64) and their images (uint8 [n, size, size, 3]).
"""

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from molmo2_contract.video import VideoInfo
from molmo2_handler.video import DecodedFrames

_HEADERS = 1024
"""Bytes that an entry has beside its contents, at most."""


class Entry:
    """What is written and read; ``size`` is the most bytes that it takes."""

    def __init__(self, info: VideoInfo, frames: DecodedFrames) -> None:
        self._info = np.frombuffer(info.model_dump_json().encode(), np.uint8)
        self._numbers = np.asarray(frames.numbers, np.int64)
        self._images = frames.images

    @property
    def size(self) -> int:
        return self._info.nbytes + self._numbers.nbytes + self._images.nbytes + _HEADERS

    def write(self, file: BinaryIO) -> None:
        for array in (self._info, self._numbers, self._images):
            np.save(file, array)


def read_info(path: Path) -> VideoInfo | None:
    """What an entry says of its video, without its frames; None if there is no whole entry."""
    if (found := _read(path, 1)) is None:
        return None
    return VideoInfo.model_validate_json(found[0].tobytes())


def read_frames(path: Path) -> DecodedFrames | None:
    """The frames of an entry; None if there is no whole entry."""
    if (found := _read(path, 3)) is None:
        return None
    _, numbers, images = found
    return DecodedFrames(images, numbers.tolist())


def _read(path: Path, count: int) -> list[NDArray[Any]] | None:
    """The first ``count`` arrays of a file, which counts as used just now."""
    try:
        with path.open("rb") as file:
            arrays = [np.load(file, allow_pickle=False) for _ in range(count)]
            os.utime(file.fileno())
    except (FileNotFoundError, EOFError, ValueError):
        return None
    return arrays
