"""Frames are decoded once for all workers, and what goes wrong costs the decoding at most."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from counting_video import CountingVideo

from molmo2_contract.errors import DeadlineExceeded, VideoUnreadable
from molmo2_contract.video import Video
from molmo2_handler.frame_cache import FrameCache
from molmo2_handler.frame_cache.file_lock import exclusive
from molmo2_handler.video import VideoLimits, open_video

SIZE = 70


def test_frames_are_decoded_once_and_then_read(cache, opened, folder):
    video = CountingVideo(opened())
    first, second = cache.frames(video, SIZE), cache.frames(video, SIZE)
    assert video.count == 1
    assert np.array_equal(first.images, second.images)
    assert second.images.dtype == np.uint8
    assert first.numbers == second.numbers
    assert [path.suffix for path in folder.glob("*.frames")] == [".frames"]


def test_what_is_said_of_a_video_is_read_with_its_frames(cache, opened):
    first, second = CountingVideo(opened()), CountingVideo(opened())
    assert cache.info(first, SIZE) == first.video.info
    cache.frames(first, SIZE)
    assert cache.info(second, SIZE) == first.video.info
    assert (first.looks, second.looks) == (2, 0)


def test_another_size_or_another_sampling_is_another_entry(cache, opened, folder):
    for video, size in ((opened(4), SIZE), (opened(4), SIZE + 14), (opened(3), SIZE)):
        assert np.array_equal(cache.frames(video, size).images, video.frames(size).images)
    assert len(list(folder.glob("*.frames"))) == 3


def test_workers_that_want_the_same_frames_decode_them_once(folder, cache, opened):
    videos = [CountingVideo(opened(), seconds=0.3) for _ in range(4)]
    caches = [FrameCache(folder, 2**24) for _ in videos]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(FrameCache.frames, caches, videos, [SIZE] * 4))
    assert sum(video.count for video in videos) == 1
    assert all(np.array_equal(found[0].images, each.images) for each in found)
    for each in caches:
        each.close()


def test_who_waits_for_another_waits_no_longer_than_its_own_deadline(cache, opened, folder):
    video = opened(deadline=time.monotonic() + 0.3)
    part = folder / f"{video.key.hex()}-{SIZE}.part"
    with exclusive(part), pytest.raises(DeadlineExceeded, match="for another request"):
        cache.frames(video, SIZE)


def test_a_failure_to_decode_is_its_own_and_leaves_nothing(cache, folder):
    with (
        open_video(Video(), b"not a video", VideoLimits()) as video,
        pytest.raises(VideoUnreadable),
    ):
        cache.frames(video, SIZE)
    assert {path.name for path in folder.iterdir()} == {"users", "sweeper"}


def test_a_cache_that_cannot_be_written_costs_nothing_but_the_decoding(
    cache, folder, opened, monkeypatch, caplog
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    video = CountingVideo(opened())
    assert len(cache.frames(video, SIZE).images) == 4
    assert video.count == 1
    assert "cannot be used" in caplog.text
    assert not list(folder.glob("*.frames"))
