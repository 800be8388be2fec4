"""A worker that has half an entry of the frame cache written when it is killed."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

from molmo2_contract.video import Video
from molmo2_handler.frame_cache import FrameCache
from molmo2_handler.frame_cache.file_lock import exclusive
from molmo2_handler.video import VideoLimits, open_video


def kill_worker_that_writes(folder: Path, content: bytes, *, frames: int, size: int) -> None:
    """It was to write ``frames`` frames of ``content``, ``size`` pixels wide, into ``folder``."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    worker = context.Process(target=_write_half, args=(folder, content, frames, size, ready))
    worker.start()
    assert ready.wait(60)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()


def _write_half(folder: Path, content: bytes, frames: int, size: int, ready: Any) -> None:
    cache = FrameCache(folder, 2**24)
    with open_video(Video(max_frames=frames), content, VideoLimits()) as video:
        with exclusive(folder / f"{video.key.hex()}-{size}.part") as part:
            part.write(b"\x93NUMPY half an entry")
            part.flush()
            ready.set()
            time.sleep(600)
        cache.close()
