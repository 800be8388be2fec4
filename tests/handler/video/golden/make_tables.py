"""Runs Molmo2's reference code on rendered videos and writes down which frames it samples.

The reference lives in an environment of its own:

    python3.11 -m venv REFERENCE
    REFERENCE/bin/pip install --no-deps molmo_utils==0.0.1
    REFERENCE/bin/pip install decord2==3.4.0 numpy==2.4.6 av==18.1.0 pytest requests pillow
    REFERENCE/bin/python tests/handler/video/golden/make_tables.py
"""

import json
import random
import sys
import tempfile
import warnings
from fractions import Fraction
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import Any

import av
import decord
from molmo_utils import process_vision_info, vision_process

sys.path.insert(0, str(Path(__file__).parent.parent))
from conftest import render

TABLES = Path(__file__).parent / "tables.json"

Recipe = dict[str, Any]
Request = dict[str, Any]

RANDOM = random.Random(0)
UNEVEN = list(accumulate((RANDOM.randint(1, 7) for _ in range(89)), initial=0))
DENSITIES: list[Request] = [{}, {"max_fps": 10.0}, {"max_fps": 0.5}, {"max_frames": 5}]
CLIPS: list[Request] = [
    {"start": 2.5, "end": 7.25},
    {"start": 3.3, "end": 100.0},
    {"start": 0.0, "end": 0.1},
    {"start": 1.7, "end": 9.1, "max_frames": 3},
]

VIDEOS: list[tuple[Recipe, list[Request]]] = [
    ({"name": "30fps.mp4", "b_frames": 3, "count": 300, "rate": [30, 1]}, DENSITIES + CLIPS),
    ({"name": "29.97fps.mp4", "count": 300, "rate": [30000, 1001]}, DENSITIES + CLIPS),
    ({"name": "25fps.mp4", "b_frames": 2, "count": 251, "rate": [25, 1]}, DENSITIES + CLIPS),
    ({"name": "10fps.mp4", "count": 104, "rate": [10, 1]}, DENSITIES + CLIPS),
    ({"name": "1fps.mp4", "count": 11, "rate": [1, 1]}, DENSITIES + CLIPS),
    ({"name": "0.3s.mp4", "count": 9, "rate": [30, 1]}, DENSITIES),
    ({"name": "one_frame.mp4", "count": 1, "rate": [30, 1]}, DENSITIES),
    ({"name": "uneven.mp4", "pts": UNEVEN, "rate": [30, 1]}, DENSITIES + CLIPS),
    (
        {"name": "uneven_reordered.mp4", "b_frames": 3, "pts": UNEVEN, "rate": [30, 1]},
        DENSITIES + CLIPS,
    ),
    ({"name": "uneven.mkv", "b_frames": 3, "pts": UNEVEN, "rate": [30, 1]}, DENSITIES + CLIPS),
    ({"name": "late_start.mkv", "first": 45, "count": 90, "rate": [30, 1]}, [{}]),
    ({"name": "191.5s.mp4", "count": 383, "rate": [2, 1]}, [{}]),
    ({"name": "192s.mp4", "count": 384, "rate": [2, 1]}, [{}]),
    (
        {"name": "20min_2fps.mp4", "b_frames": 3, "count": 2400, "rate": [2, 1]},
        [{}, {"start": 600.25, "end": 640.0}],
    ),
    ({"name": "20min_30fps.mp4", "count": 36000, "rate": [30, 1], "long": True}, [{}]),
    (
        {"name": "20min_29.97fps.mp4", "count": 35964, "rate": [30000, 1001], "long": True},
        [{}],
    ),
    # 20 times 383 frames: every sampled time falls on the border of two frames.
    ({"name": "255s_30fps.mp4", "count": 7660, "rate": [30, 1], "long": True}, [{}]),
]


def main() -> None:
    warnings.simplefilter("error")  # the reference warns when it falls back to another reader
    with tempfile.TemporaryDirectory() as folder:
        videos = [describe(recipe, requests, Path(folder)) for recipe, requests in VIDEOS]
    made_with = {name: version(name) for name in ("molmo_utils", "decord2", "numpy", "av")}
    rows = ",\n".join(json.dumps(video, separators=(",", ":")) for video in videos)
    TABLES.write_text(f'{{"made_with": {json.dumps(made_with)},\n"videos": [\n{rows}\n]}}\n')


def describe(recipe: Recipe, requests: list[Request], folder: Path) -> dict[str, Any]:
    rate = Fraction(*recipe["rate"])
    first = recipe.get("first", 0)
    pts = recipe.get("pts") or range(first, first + recipe["count"])
    path = render(folder / recipe["name"], pts, 1 / rate, b_frames=recipe.get("b_frames", 0))
    return {
        "recipe": recipe,
        "table": table(path),
        "samples": [reference(path, request) for request in requests],
    }


def table(path: Path) -> dict[str, Any]:
    """Presentation times and durations as the packets give them, in ticks."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        pts, durations = zip(*sorted((p.pts, p.duration) for p in packets), strict=True)
        assert stream.time_base is not None
        return {
            "time_base": [stream.time_base.numerator, stream.time_base.denominator],
            "pts": compact(pts),
            "durations": compact(durations),
        }


def compact(ticks: tuple[int, ...]) -> list[int] | dict[str, int]:
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0
    if ticks != tuple(ticks[0] + step * place for place in range(len(ticks))):
        return list(ticks)
    return {"first": ticks[0], "step": step, "count": len(ticks)}


def reference(path: Path, request: Request) -> dict[str, Any]:
    """What ``process_vision_info`` samples: seconds of the whole video and 1-based frames."""
    seen: dict[str, Any] = {}

    class Reader(decord.VideoReader):
        def get_batch(self, indices: Any) -> Any:
            seen["frames"] = [int(index) + 1 for index in indices]
            return super().get_batch(indices)

    def sample_times(*arguments: Any) -> Any:
        seen["times"] = original_sample_times(*arguments)
        return seen["times"]

    original_reader, decord.VideoReader = decord.VideoReader, Reader
    original_sample_times = vision_process.sample_times
    vision_process.sample_times = sample_times
    try:
        element = {
            "type": "video",
            "video": str(path),
            "num_frames": request.get("max_frames", 384),
            "max_fps": request.get("max_fps", 2.0),
        }
        if "end" in request:
            element["clip"] = (request["start"], request["end"])
        process_vision_info([{"role": "user", "content": [element]}])
    finally:
        decord.VideoReader = original_reader
        vision_process.sample_times = original_sample_times
    times = [float(time) + request.get("start", 0.0) for time in seen["times"]]
    return {"request": request, "times": times, "frames": seen["frames"]}


if __name__ == "__main__":
    main()
