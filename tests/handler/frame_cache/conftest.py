"""A cache, and videos whose frames it is to keep."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from molmo2_contract.video import Video
from molmo2_demo.generate import DemoVideo
from molmo2_handler.frame_cache import FrameCache, cache_folder
from molmo2_handler.video import OpenVideo, VideoLimits, open_video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return cache_folder(tmp_path, os.getpid())


@pytest.fixture
def cache(folder: Path) -> Iterator[FrameCache]:
    """One that has room for all that a test asks of it."""
    cache = FrameCache(folder, 2**24)
    yield cache
    cache.close()


@pytest.fixture
def opened(video: DemoVideo) -> Iterator[Callable[..., OpenVideo]]:
    """The rendered video, by its bytes; other numbers of frames make other keys."""
    content = video.path.read_bytes()
    videos: list[OpenVideo] = []

    def open_it(max_frames: int = 4, deadline: float | None = None) -> OpenVideo:
        videos.append(
            open_video(Video(max_frames=max_frames), content, VideoLimits(), deadline=deadline)
        )
        return videos[-1]

    yield open_it
    for each in videos:
        each.close()
