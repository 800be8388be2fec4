"""A header of a few bytes cannot take the memory of the machine."""

import resource
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from molmo2_contract.errors import TooLarge, VideoTooLong
from molmo2_contract.video import Video
from molmo2_handler.video import VideoLimits, open_video
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.container import open_stream
from molmo2_handler.video.memory import bounded_memory

Render = Callable[..., Path]


def promising(content: bytes, frames: int) -> bytes:
    """An MP4 file whose header says that it has so many frames of one byte each."""
    lie = bytearray(content)
    for box, offset, number in (
        (b"stsz", 8, 1),
        (b"stsz", 12, frames),
        (b"stsc", 16, frames),
        (b"stts", 12, frames),
    ):
        place = lie.index(box) + offset
        lie[place : place + 4] = number.to_bytes(4, "big")
    return bytes(lie)


def test_a_header_that_promises_a_hundred_million_frames_does_not_get_their_memory(
    render: Render, tmp_path: Path
) -> None:
    content = promising(render(tmp_path / "a.mp4", range(30)).read_bytes(), 100_000_000)
    limits = VideoLimits(max_decode_memory_bytes=2**28)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        open_video(Video(), content, limits) as video,
        pytest.raises((TooLarge, VideoTooLong), match=r"max_decode_memory_bytes|max_frame_count"),
    ):
        assert video.info
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**19  # KiB


def test_what_runs_out_of_memory_is_refused_with_the_bound_and_its_setting(
    render: Render, tmp_path: Path
) -> None:
    file = render(tmp_path / "a.mp4", range(3)).open("rb")
    limits = VideoLimits(max_decode_memory_bytes=2**26)
    with (
        file,
        pytest.raises(TooLarge, match=r"more than 67108864 bytes .*max_decode_memory_bytes"),
        open_stream(file, "it", limits, Budget("it", limits)),
    ):
        np.ones(2**28, np.uint8)


def test_the_bound_is_gone_afterwards() -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(MemoryError), bounded_memory(2**24):
        np.ones(2**28, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    assert len(np.ones(2**25, np.uint8)) == 2**25
