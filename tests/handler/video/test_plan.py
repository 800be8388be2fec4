import json
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molmo2_contract.errors import InvalidRequest, VideoTooLong, VideoUnreadable
from molmo2_contract.video import Video, VideoInfo
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.plan import Plan, make_plan, varies
from molmo2_handler.video.schedule import Feed
from molmo2_handler.video.source import open_source

Render = Callable[..., Path]

GOLDEN: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "golden" / "tables.json").read_text()
)["videos"]
RENDERED = [video for video in GOLDEN if not video["recipe"].get("long")]


def plan(path: Path, **asked: Any) -> Plan:
    limits = asked.pop("limits", VideoLimits())
    source = open_source(Video(), path.read_bytes(), limits)
    return make_plan(source, Video.model_validate(asked), limits, Budget("it", limits))


def info(path: Path, **asked: Any) -> VideoInfo:
    return plan(path, **asked).info


@pytest.mark.parametrize("video", RENDERED, ids=[video["recipe"]["name"] for video in RENDERED])
def test_the_frames_of_a_real_file_are_those_that_the_reference_samples(
    video: dict[str, Any], render: Render, tmp_path: Path
) -> None:
    recipe = video["recipe"]
    first = recipe.get("first", 0)
    path = render(
        tmp_path / recipe["name"],
        recipe.get("pts") or range(first, first + recipe["count"]),
        1 / Fraction(*recipe["rate"]),
        b_frames=recipe.get("b_frames", 0),
    )
    for golden in video["samples"]:
        sampled = info(path, **golden["request"]).sampled
        assert sampled.frames == golden["frames"], golden["request"]
        assert sampled.times[:-1] == golden["times"][:-1], golden["request"]
        assert sampled.times[-1] == pytest.approx(golden["times"][-1], abs=1e-6)


def test_a_real_clip_is_described_and_sampled_twice_a_second_with_its_last_frame(
    real_clip: Path,
) -> None:
    expected = {
        "bigbuckbunny": (1280, 720, 5.28, 25.0, 132, 12),
        "bikes": (640, 272, 10.0, 25.0, 250, 21),
        "carphone_pristine": (176, 144, 4.004, 29.97, 120, 10),
    }
    width, height, duration, frame_rate, count, sampled = expected[real_clip.stem]
    found = info(real_clip)
    assert (found.width, found.height, found.frame_count) == (width, height, count)
    assert found.duration == pytest.approx(duration)
    assert found.frame_rate == pytest.approx(frame_rate, abs=1e-3)
    assert not found.variable_frame_rate
    times = [*np.arange(0, duration, 0.5), duration]
    assert found.sampled.times == pytest.approx(times)
    assert len(times) == sampled
    shown = [min(int(time * frame_rate + 1e-3), count - 1) + 1 for time in times]
    assert found.sampled.frames == shown


def test_a_clip_is_sampled_by_the_whole_videos_times_and_frame_numbers(
    render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(90))
    sampled = info(path, start=1.0, end=2.0).sampled
    assert sampled.times == [1.0, 1.5, 2.0]
    assert sampled.frames == [31, 46, 61]


def test_an_end_beyond_the_video_means_its_end(render: Render, tmp_path: Path) -> None:
    path = render(tmp_path / "a.mp4", range(60))
    assert info(path, start=1.0, end=50.0).sampled == info(path, start=1.0).sampled
    assert info(path, start=1.0).sampled.frames == [31, 46, 60]


def test_a_start_beyond_the_end_is_refused_with_the_duration(
    render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(60))
    with pytest.raises(InvalidRequest) as caught:
        info(path, start=2.0)
    assert caught.value.field == "video.start"
    assert caught.value.message == (
        "video.start: 2 s lies beyond the end of the video, which lasts 2.000 s; "
        "choose an earlier start"
    )


def test_a_video_that_is_too_long_is_refused_with_the_bound_and_its_setting(
    render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(60))
    with pytest.raises(VideoTooLong, match=r"lasts 2\.000 s; .* up to 1\.5 s \(setting max_dur"):
        info(path, limits=VideoLimits(max_duration=1.5))
    with pytest.raises(VideoTooLong, match=r"more than 59 frames, .* \(setting max_frame_count\)"):
        info(path, limits=VideoLimits(max_frame_count=59))


def test_a_video_shot_upright_has_the_size_at_which_it_is_displayed(
    render: Render, tmp_path: Path
) -> None:
    found = info(render(tmp_path / "a.mp4", range(3), size=(64, 48), rotation=90))
    assert (found.width, found.height) == (48, 64)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv"])
@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24), Fraction(60)])
def test_rounding_to_the_containers_ticks_does_not_make_the_frame_rate_variable(
    name: str, rate: Fraction, render: Render, tmp_path: Path
) -> None:
    assert not info(render(tmp_path / name, range(60), 1 / rate)).variable_frame_rate


def test_a_dropped_frame_does(render: Render, tmp_path: Path) -> None:
    pts = [*range(30), *range(31, 60)]
    assert info(render(tmp_path / "a.mp4", pts)).variable_frame_rate


@pytest.mark.parametrize("pts", [[0], [0, 7], [0, 3000, 6001, 9001], [0, 33, 67, 100]])
def test_even_intervals_do_not_vary(pts: list[int]) -> None:
    assert not varies(np.array(pts))


def test_a_slow_drift_within_a_hundredth_does_not_vary() -> None:
    assert not varies(np.array(list(accumulate([3000] * 20 + [3020] * 20))))
    assert varies(np.array(list(accumulate([3000] * 20 + [3200] * 20))))


def test_the_frame_rate_is_averaged_over_the_duration(render: Render, tmp_path: Path) -> None:
    found = info(render(tmp_path / "a.mp4", [0, 1, 2, 3, 30, 60]))
    assert found.frame_rate == pytest.approx(found.frame_count / found.duration)


def test_frames_that_an_edit_list_cuts_out_are_not_counted(render: Render, tmp_path: Path) -> None:
    path = render(tmp_path / "a.mp4", range(-20, 40), group=10, options={"bf": "0"})
    found = info(path)
    assert found.frame_count == 40
    assert found.duration == pytest.approx(40 / 30)


def test_a_video_cut_off_in_the_middle_ends_where_it_can_be_read(
    render: Render, tmp_path: Path
) -> None:
    whole = render(tmp_path / "a.mkv", range(120))
    part = tmp_path / "part.mkv"
    part.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    found = info(part)
    assert 40 < found.frame_count < 80
    assert found.sampled.frames[-1] == found.frame_count


def test_a_video_of_which_nothing_can_be_decoded_is_unreadable(
    render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mkv", range(30), group=30)
    content = bytearray(path.read_bytes())
    cluster = content.index(bytes.fromhex("1f43b675"))
    for place in range(cluster + 60, len(content)):
        content[place] = 0xFF
    path.write_bytes(content)
    with pytest.raises(VideoUnreadable, match="is not a video that can be decoded"):
        info(path)


def test_of_a_long_video_only_what_the_sampled_frames_need_is_decoded(
    render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(600), b_frames=3, group=30)
    feed = plan(path, start=10.0, end=11.0, max_frames=3).feed
    assert (feed[:300] == Feed.LEAVE_OUT).all()
    assert (feed == Feed.DECODE).sum() == 3
    assert (feed != Feed.LEAVE_OUT).sum() < 40
