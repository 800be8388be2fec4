"""The cache's folder goes with the last worker that uses it, however that ends."""

import subprocess
import sys
import time
from pathlib import Path

from molmo2_handler.frame_cache import FrameCache, cache_folder

HOLDER = """
import sys, time
from pathlib import Path
from molmo2_handler.frame_cache import FrameCache
cache = FrameCache(Path(sys.argv[1]), 2**20)
print("ready", flush=True)
time.sleep(600)
"""


def gone(folder: Path) -> bool:
    until = time.monotonic() + 10
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return not folder.exists()


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


def test_folders_that_nobody_uses_any_more_are_removed_at_a_start(tmp_path, folder):
    stale = cache_folder(tmp_path, 1)
    stale.mkdir()
    (stale / "users").touch()
    (stale / "old.frames").write_bytes(b"x")
    cache = FrameCache(folder, 2**24)
    assert not stale.exists()
    cache.close()
    assert gone(folder)
