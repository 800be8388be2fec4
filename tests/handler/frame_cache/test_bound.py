"""The cache stays within its bound, whatever is asked of it and whoever dies."""

import time

import numpy as np
from counting_video import CountingVideo
from killed_worker import kill_worker_that_writes

from molmo2_handler.frame_cache import FrameCache

SIZE = 70


def test_the_entries_together_stay_within_the_bound_and_the_oldest_go_first(folder, opened):
    of_one = 4 * SIZE * SIZE * 3 + 2048
    cache = FrameCache(folder, 3 * of_one)
    videos = [CountingVideo(opened(4, deadline=1e9 + place)) for place in range(5)]
    for place, video in enumerate(videos):
        video.key = bytes([place]) * 32
    for video in (videos[0], videos[1], videos[2], videos[0], videos[3], videos[4]):
        cache.frames(video, SIZE)
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 3 * of_one
        time.sleep(0.01)  # the file system tells times apart
    assert sorted(path.name[:2] for path in folder.glob("*.frames")) == ["00", "03", "04"]
    assert videos[0].count == 1
    cache.close()


def test_what_is_larger_than_the_cache_is_decoded_and_not_kept(folder, opened):
    cache = FrameCache(folder, 1000)
    video = CountingVideo(opened())
    for _ in range(2):
        assert len(cache.frames(video, SIZE).images) == 4
    assert video.count == 2
    assert not list(folder.glob("*.frames"))
    cache.close()


def test_a_worker_killed_in_the_middle_leaves_nothing_that_is_believed(
    cache, folder, opened, video
):
    kill_worker_that_writes(folder, video.path.read_bytes(), frames=4, size=SIZE)
    assert len(list(folder.glob("*.part"))) == 1
    mine = CountingVideo(opened(4))
    assert np.array_equal(cache.frames(mine, SIZE).images, opened(4).frames(SIZE).images)
    assert mine.count == 1
    assert not list(folder.glob("*.part"))


def test_what_a_killed_worker_left_makes_room_for_others(cache, folder, opened, video):
    kill_worker_that_writes(folder, video.path.read_bytes(), frames=4, size=SIZE)
    cache.frames(opened(3), SIZE)
    assert not list(folder.glob("*.part"))
