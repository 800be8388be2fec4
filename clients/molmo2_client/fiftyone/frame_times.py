"""When the frames of a video begin, so that a clip's frames can be asked for in seconds.

A server takes seconds and answers with frame numbers. The seconds come from the file itself, by
``ffprobe``, which FiftyOne needs anyway; ``(frame - 1) / frame_rate`` would name other frames where
the frame rate varies. Only a file that cannot be read here is taken to have the constant frame rate
of its metadata.
"""

import os
import subprocess
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from molmo2_client.fiftyone.clip import Clip
from molmo2_contract.errors import InvalidRequest

PROBE_SECONDS = 300.0
"""How long ``ffprobe`` may take to read through a file."""

PROBED_FILES = 32
"""Files whose frame times are kept, since the clips of a file follow each other."""

_PROBE = ("ffprobe", "-v", "error", "-select_streams", "V:0", "-of", "csv=p=0", "-show_entries")


def seconds_of(clip: Clip, filepath: str) -> dict[str, float]:
    """``start`` and ``end`` of a request for the frames of ``clip`` and no others.

    They lie a quarter of a frame inside the clip, so that rounding does not lead out of it. An end
    of the clip that is an end of the video is left out.

    Raises:
        InvalidRequest: the clip lies beyond the end of the video, or nothing says when its frames
            begin.
    """
    begins = _begins(filepath)
    if begins is None:
        begins = _constant(clip, filepath)
    count = len(begins) - 1
    if not 1 <= clip.first <= clip.last <= count:
        raise InvalidRequest(
            f"support [{clip.first}, {clip.last}]: the video has {count} frames", field="video"
        )
    part = {}
    if clip.first > 1:
        part["start"] = _within(begins, clip.first, 0.25)
    if clip.last < count:
        part["end"] = _within(begins, clip.last, 0.75)
    return part


def _within(begins: NDArray[np.float64], frame: int, share: float) -> float:
    begin, end = begins[frame - 1 : frame + 1]
    return float(begin + share * (end - begin))


def _constant(clip: Clip, filepath: str) -> NDArray[np.float64]:
    if clip.frame_rate is None or clip.frame_count is None:
        raise InvalidRequest(
            f"video: {filepath} cannot be read here by ffprobe, and the sample has no metadata: run"
            " dataset.compute_metadata(), or install ffmpeg",
            field="video",
        )
    return np.arange(clip.frame_count + 1) / clip.frame_rate


def _begins(filepath: str) -> NDArray[np.float64] | None:
    """When each frame begins and the last one ends, in seconds since the first began."""
    try:
        return _probed(filepath, os.stat(filepath).st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=PROBED_FILES)
def _probed(filepath: str, changed: int) -> NDArray[np.float64] | None:
    """See ``_begins``. ``changed`` is when the file was: it may be re-encoded in its place."""
    try:
        probe = subprocess.run(
            [*_PROBE, "packet=pts_time,duration_time,flags", "-i", filepath],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    packets = [line.split(",") for line in probe.stdout.split()]
    shown = sorted(
        (float(pts), float(duration) if duration != "N/A" else 0.0)
        for pts, duration, flags, *_ in packets
        if pts != "N/A" and "D" not in flags
    )
    if probe.returncode or not shown:
        return None
    begins = np.array([*(pts for pts, _ in shown), sum(shown[-1])], np.float64)
    begins -= begins[0]
    return begins
