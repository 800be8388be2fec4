"""What a video may cost: a bound is told with its setting, whichever part of the work meets it."""

import io
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from molmo2_contract.errors import DeadlineExceeded, VideoTooLong
from molmo2_contract.video import Video
from molmo2_handler.video import OpenVideo, VideoLimits, open_video
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.source import Source

Render = Callable[..., Path]


@pytest.fixture(scope="module")
def content(render: Render, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = render(tmp_path_factory.mktemp("videos") / "a.mp4", range(90))
    return path.read_bytes()


def opened(
    content: bytes, deadline: float | None = None, asked: Video | None = None, **limits: Any
) -> OpenVideo:
    return open_video(asked or Video(), content, VideoLimits(**limits), deadline)


def burn_cpu(seconds: float) -> None:
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass


def test_a_deadline_that_has_passed_stops_the_planning(content: bytes) -> None:
    with (
        opened(content, deadline=time.monotonic() - 1) as video,
        pytest.raises(DeadlineExceeded, match="raise timeout") as caught,
    ):
        assert video.info
    assert caught.value.field == "timeout"


def test_a_deadline_that_passes_between_planning_and_decoding_stops_the_decoding(
    content: bytes,
) -> None:
    deadline = time.monotonic() + 1
    with opened(content, deadline) as video:
        assert video.info
        time.sleep(max(deadline - time.monotonic(), 0))
        with pytest.raises(DeadlineExceeded):
            video.frames(66)


def test_cpu_time_is_bounded_in_planning(content: bytes) -> None:
    with (
        opened(content, max_decode_cpu_seconds=1e-9) as video,
        pytest.raises(VideoTooLong, match=r"more than 1e-09 s of CPU .*max_decode_cpu_seconds"),
    ):
        assert video.info


def test_cpu_time_is_bounded_over_planning_and_decoding(content: bytes) -> None:
    with opened(content, max_decode_cpu_seconds=0.5) as video:
        assert video.info
        burn_cpu(0.5)
        with pytest.raises(VideoTooLong, match="max_decode_cpu_seconds"):
            video.frames(66)


def test_frames_that_would_have_to_be_decoded_are_counted_before_they_are(content: bytes) -> None:
    asked = Video(max_fps=10.0)
    with (
        opened(content, asked=asked, max_decoded_frames=20) as video,
        pytest.raises(VideoTooLong, match=r"more than 20 frames .*max_decoded_frames"),
    ):
        assert video.info


def test_frames_that_are_decoded_are_counted_too() -> None:
    budget = Budget("it", VideoLimits(max_decoded_frames=3))
    budget.spend_frames(2)
    budget.spend_frames(1)
    with pytest.raises(VideoTooLong, match="max_decoded_frames"):
        budget.spend_frames(1)


def test_sampled_frames_are_bounded_by_the_server_and_the_remedy_works(content: bytes) -> None:
    with (
        opened(content, max_sampled_frames=3) as video,
        pytest.raises(VideoTooLong, match=r"at 7 frames; .* up to 3 .*smaller max_frames") as error,
    ):
        assert video.info
    assert error.value.field == "video.max_frames"
    with opened(content, asked=Video(max_frames=3), max_sampled_frames=3) as video:
        assert len(video.info.sampled.frames) == 3


def test_reading_is_paid_from_the_budget_also_inside_the_demuxer(content: bytes) -> None:
    """A source may be slow: the deadline passes while FFmpeg looks for the header."""
    deadline = time.monotonic() + 0.2

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            time.sleep(0.3)
            return super().read(min(size or -1, 1024))

    slow = Source(Slow(content), "it", identify=lambda: "it")
    with (
        OpenVideo(slow, Video(), VideoLimits(), deadline) as video,
        pytest.raises(DeadlineExceeded),
    ):
        assert video.info


def test_a_header_that_tells_too_many_seconds_is_refused(render: Render, tmp_path: Path) -> None:
    lie = bytearray(render(tmp_path / "a.mkv", range(30)).read_bytes())
    place = lie.index(b"\x44\x89\x88") + 3  # Matroska's Duration, a float of eight bytes
    lie[place : place + 8] = struct.pack(">d", 1e9)
    with (
        opened(bytes(lie)) as video,
        pytest.raises(VideoTooLong, match=r"lasts 1000000\.000 s; .*max_duration"),
    ):
        assert video.info
