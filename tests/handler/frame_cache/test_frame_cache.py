"""Frames that are decoded once for all workers, within a bound, whoever is killed."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from molmo2_contract.errors import DeadlineExceeded, VideoUnreadable
from molmo2_contract.video import Video, VideoInfo
from molmo2_demo.generate import DemoVideo
from molmo2_handler.frame_cache import FrameCache, cache_folder
from molmo2_handler.frame_cache.file_lock import exclusive
from molmo2_handler.video import DecodedFrames, OpenVideo, VideoLimits, open_video

SIZE = 70
ENOUGH = 2**24


class Counting:
    """A real video that counts how often it is decoded, and can be told to take its time."""

    def __init__(self, video: OpenVideo, seconds: float = 0) -> None:
        self.video, self.seconds, self.count = video, seconds, 0
        self.key, self.deadline = video.key, video.deadline
        self.looks = 0

    @property
    def info(self) -> VideoInfo:
        self.looks += 1
        return self.video.info

    def frames(self, size: int) -> DecodedFrames:
        self.count += 1
        time.sleep(self.seconds)
        return self.video.frames(size)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return cache_folder(tmp_path, os.getpid())


@pytest.fixture
def cache(folder: Path) -> Iterator[FrameCache]:
    cache = FrameCache(folder, ENOUGH)
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


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.frames"))


def gone(folder: Path) -> bool:
    until = time.monotonic() + 10
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return not folder.exists()


def test_frames_are_decoded_once_and_then_read(cache, opened, folder):
    video = Counting(opened())
    first, second = cache.frames(video, SIZE), cache.frames(video, SIZE)
    assert video.count == 1
    assert np.array_equal(first.images, second.images)
    assert second.images.dtype == np.uint8
    assert first.numbers == second.numbers
    assert [path.suffix for path in entries(folder)] == [".frames"]


def test_what_is_said_of_a_video_is_read_with_its_frames(cache, opened):
    first, second = Counting(opened()), Counting(opened())
    assert cache.info(first, SIZE) == first.video.info
    cache.frames(first, SIZE)
    assert cache.info(second, SIZE) == first.video.info
    assert (first.looks, second.looks) == (2, 0)


def test_another_size_or_another_sampling_is_another_entry(cache, opened, folder):
    for video, size in ((opened(4), SIZE), (opened(4), SIZE + 14), (opened(3), SIZE)):
        assert np.array_equal(cache.frames(video, size).images, video.frames(size).images)
    assert len(entries(folder)) == 3


def test_workers_that_want_the_same_frames_decode_them_once(folder, cache, opened):
    videos = [Counting(opened(), seconds=0.3) for _ in range(4)]
    caches = [FrameCache(folder, ENOUGH) for _ in videos]
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


def test_the_entries_together_stay_within_the_bound_and_the_oldest_go_first(folder, opened):
    of_one = 4 * SIZE * SIZE * 3 + 2048
    cache = FrameCache(folder, 3 * of_one)
    videos = [Counting(opened(4, deadline=1e9 + place)) for place in range(5)]
    for place, video in enumerate(videos):
        video.key = bytes([place]) * 32
    for video in (videos[0], videos[1], videos[2], videos[0], videos[3], videos[4]):
        cache.frames(video, SIZE)
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 3 * of_one
        time.sleep(0.01)  # the file system tells times apart
    assert [path.name[:2] for path in entries(folder)] == ["00", "03", "04"]
    assert videos[0].count == 1
    cache.close()


def test_what_is_larger_than_the_cache_is_decoded_and_not_kept(folder, opened):
    cache = FrameCache(folder, 1000)
    video = Counting(opened())
    for _ in range(2):
        assert len(cache.frames(video, SIZE).images) == 4
    assert video.count == 2
    assert not entries(folder)
    cache.close()


def decode_and_hang(folder: Path, content: bytes, ready) -> None:
    """A worker that has half an entry written when it is killed."""
    cache = FrameCache(folder, ENOUGH)
    with open_video(Video(max_frames=4), content, VideoLimits()) as video:
        with exclusive(folder / f"{video.key.hex()}-{SIZE}.part") as part:
            part.write(b"\x93NUMPY half an entry")
            part.flush()
            ready.set()
            time.sleep(600)
        cache.close()


def killed_worker(folder: Path, content: bytes) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    worker = context.Process(target=decode_and_hang, args=(folder, content, ready))
    worker.start()
    assert ready.wait(60)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()


def test_a_worker_killed_in_the_middle_leaves_nothing_that_is_believed(
    cache, folder, opened, video
):
    killed_worker(folder, video.path.read_bytes())
    assert len(list(folder.glob("*.part"))) == 1
    mine = Counting(opened())
    assert np.array_equal(cache.frames(mine, SIZE).images, opened().frames(SIZE).images)
    assert mine.count == 1
    assert not list(folder.glob("*.part"))


def test_what_a_killed_worker_left_makes_room_for_others(cache, folder, opened, video):
    killed_worker(folder, video.path.read_bytes())
    cache.frames(opened(3), SIZE)
    assert not list(folder.glob("*.part"))


def test_a_cache_that_cannot_be_written_costs_nothing_but_the_decoding(
    cache, folder, opened, monkeypatch, caplog
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    video = Counting(opened())
    assert len(cache.frames(video, SIZE).images) == 4
    assert video.count == 1
    assert "cannot be used" in caplog.text
    assert not entries(folder)


HOLDER = """
import sys, time
from pathlib import Path
from molmo2_handler.frame_cache import FrameCache
cache = FrameCache(Path(sys.argv[1]), 2**20)
print("ready", flush=True)
time.sleep(600)
"""


def test_the_folder_goes_with_the_last_worker_even_if_all_are_killed(tmp_path):
    folder = cache_folder(tmp_path, 12345)
    workers = [
        subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout.readline() == b"ready\n"
    first, second = workers
    first.kill()
    first.communicate()
    time.sleep(0.3)
    assert folder.is_dir()
    second.kill()
    second.communicate()
    assert gone(folder)


def test_folders_that_nobody_uses_any_more_are_removed_at_a_start(tmp_path, folder, opened):
    stale = cache_folder(tmp_path, 1)
    stale.mkdir()
    (stale / "users").touch()
    (stale / "old.frames").write_bytes(b"x")
    cache = FrameCache(folder, ENOUGH)
    assert not stale.exists()
    cache.close()
    assert gone(folder)
