import json
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from molmo2_handler.video.sampling import frame_ends, sample

GOLDEN: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "golden" / "tables.json").read_text()
)["videos"]


def ticks(written: list[int] | dict[str, int]) -> list[int]:
    if isinstance(written, list):
        return written
    return [written["first"] + written["step"] * place for place in range(written["count"])]


@pytest.mark.parametrize("video", GOLDEN, ids=[video["recipe"]["name"] for video in GOLDEN])
def test_times_and_frames_are_those_of_the_reference(video: dict[str, Any]) -> None:
    table = video["table"]
    numerator, denominator = table["time_base"]
    ends = frame_ends(ticks(table["pts"]), ticks(table["durations"]), numerator / denominator)
    for golden in video["samples"]:
        asked = {"start": 0.0, "end": None, "max_frames": 384, "max_fps": 2.0, **golden["request"]}
        sampled = sample(ends, **asked)
        assert (sampled.indices + 1).tolist() == golden["frames"], golden["request"]
        assert sampled.times[:-1].tolist() == golden["times"][:-1], golden["request"]
        assert sampled.times[-1] == pytest.approx(golden["times"][-1], abs=1e-6)


def steady(count: int, frames_per_second: int, first: int = 0) -> NDArray[np.float32]:
    return frame_ends(range(first, first + count), [1] * count, 1 / frames_per_second)


def test_a_frame_is_shown_until_the_next_one_starts() -> None:
    sampled = sample(steady(4, 1), start=0, end=None, max_frames=384, max_fps=2.0)
    assert sampled.times.tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert sampled.indices.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 3]


def test_a_long_video_is_sampled_evenly_from_its_first_to_its_last_frame() -> None:
    sampled = sample(steady(36000, 30), start=0, end=None, max_frames=384, max_fps=2.0)
    assert len(sampled.times) == 384
    assert np.allclose(np.diff(sampled.times), 1200 / 383, atol=1e-3)
    assert (sampled.indices[0], sampled.indices[-1]) == (0, 35999)


def test_a_clip_keeps_the_times_and_frames_of_the_whole_video() -> None:
    sampled = sample(steady(300, 30), start=4.0, end=5.0, max_frames=384, max_fps=2.0)
    assert sampled.times.tolist() == [4.0, 4.5, 5.0]
    assert sampled.indices.tolist() == [120, 135, 150]


def test_times_count_from_the_first_frame_wherever_that_lies() -> None:
    assert steady(300, 30, first=1000).tolist() == steady(300, 30).tolist()


@given(
    steps=st.lists(st.integers(1, 5000), min_size=1, max_size=200),
    rate=st.sampled_from([30, 600, 1000, 15360, 90000]),
    clip=st.tuples(st.floats(0, 0.99), st.none() | st.floats(0.01, 1.5)),
    max_frames=st.integers(2, 384),
    max_fps=st.floats(0.01, 10.0),
)
def test_samples_span_the_clip_in_order_and_within_bounds(
    steps: list[int],
    rate: int,
    clip: tuple[float, float | None],
    max_frames: int,
    max_fps: float,
) -> None:
    pts = list(accumulate(steps, initial=0))
    ends = frame_ends(pts[:-1], steps, 1 / rate)
    duration = float(ends[-1])
    start = clip[0] * duration
    end = None if clip[1] is None else start + clip[1] * duration
    last = duration if end is None else min(end, duration)

    sampled = sample(ends, start, end, max_frames, max_fps)

    assert len(sampled.times) == len(sampled.indices) <= max_frames
    assert sampled.times[0] == pytest.approx(start, abs=1e-6)
    assert sampled.times[-1] == last
    assert (np.diff(sampled.times) >= -1e-6).all()
    assert (np.diff(sampled.times)[:-1] >= 1 / max_fps - 1e-6).all()
    assert (np.diff(sampled.indices) >= 0).all()
    assert sampled.indices.min() >= 0
    assert sampled.indices.max() < len(steps)
    starts = np.concatenate([[0], ends[:-1]])
    assert (starts[sampled.indices] <= sampled.times + 1e-4).all()
    assert (sampled.times <= ends[sampled.indices] + 1e-4).all()
