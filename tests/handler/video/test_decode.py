import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from molmo2_contract.errors import DeadlineExceeded, VideoUnreadable
from molmo2_contract.video import Video
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.decode import decode
from molmo2_handler.video.gallery import DecodedFrames
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.plan import Plan, make_plan
from molmo2_handler.video.resize import BilinearResizer
from molmo2_handler.video.source import open_source

Render = Callable[..., Path]
DecodeAll = Callable[[Path], list[NDArray[np.uint8]]]

SIZE = 70
LIMITS = VideoLimits()


def planned(content: bytes, **asked: Any) -> Plan:
    source = open_source(Video(), content, LIMITS)
    return make_plan(source, Video.model_validate(asked), LIMITS, Budget("it", LIMITS))


def frames(content: bytes, plan: Plan, limits: VideoLimits = LIMITS) -> DecodedFrames:
    return decode(open_source(Video(), content, limits), plan, SIZE, limits, Budget("it", limits))


def resized(images: list[NDArray[np.uint8]], numbers: list[int]) -> NDArray[np.uint8]:
    height, width, _ = images[0].shape
    resize = BilinearResizer(height, width, SIZE)
    return np.stack([resize(images[number - 1]) for number in numbers])


CODECS: dict[str, dict[str, Any]] = {
    "b-frames.mp4": {"b_frames": 3},
    "b-pyramid.mkv": {"b_frames": 3, "options": {"b-pyramid": "normal", "refs": "4"}},
    "short-groups.mp4": {"b_frames": 2, "group": 12},
    "open-groups.mp4": {"b_frames": 3, "options": {"x264-params": "open-gop=1:keyint=12"}},
    "intra-refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=20"}},
    "transport.ts": {"b_frames": 2, "group": 12},
    "flash.flv": {"b_frames": 2, "group": 12},
    "late.mkv": {"b_frames": 2, "pts": range(45, 145)},
    "uneven.mp4": {"b_frames": 3, "pts": [n + n * n // 40 for n in range(100)]},
    "no-times.avi": {"b_frames": 3},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "log-level=none:bframes=3"}},
    "layers.mp4": {
        "codec": "libx265",
        "options": {"x265-params": "log-level=none:bframes=3:temporal-layers=3"},
    },
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "motion.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
}

REQUESTS: list[dict[str, Any]] = [
    {},
    {"max_frames": 3},
    {"max_fps": 10.0},
    {"start": 1.9, "end": 2.3},
]


@pytest.mark.parametrize("name", CODECS)
def test_the_frames_are_those_of_a_decoder_that_leaves_nothing_out(
    name: str, render: Render, decode_all: DecodeAll, tmp_path: Path
) -> None:
    recipe = dict(CODECS[name])
    path = render(tmp_path / name, recipe.pop("pts", range(100)), **recipe)
    content, everything = path.read_bytes(), decode_all(path)
    for asked in REQUESTS:
        plan = planned(content, **asked)
        assert plan.info.frame_count == len(everything)
        found = frames(content, plan)
        assert found.numbers == plan.info.sampled.frames
        assert np.array_equal(found.images, resized(everything, found.numbers)), asked


def test_the_frames_of_real_clips_are_too(real_clip: Path, decode_all: DecodeAll) -> None:
    content = real_clip.read_bytes()
    plan = planned(content)
    found = frames(content, plan)
    assert found.numbers == plan.info.sampled.frames
    assert np.array_equal(found.images, resized(decode_all(real_clip), found.numbers))


def test_decoding_with_several_threads_gives_the_same_frames(
    render: Render, tmp_path: Path
) -> None:
    content = render(tmp_path / "a.mp4", range(100), b_frames=3, group=20).read_bytes()
    plan = planned(content)
    expected = frames(content, plan)
    found = frames(content, plan, VideoLimits(decode_threads=3))
    assert found.numbers == expected.numbers
    assert np.array_equal(found.images, expected.images)


@pytest.mark.parametrize(("rotation", "turns"), [(90, 1), (180, 2), (270, 3), (-90, 3)])
def test_frames_are_turned_upright(
    rotation: int, turns: int, render: Render, decode_all: DecodeAll, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(20), rotation=rotation)
    plan = planned(path.read_bytes())
    found = frames(path.read_bytes(), plan)
    upright = [np.ascontiguousarray(np.rot90(image, turns)) for image in decode_all(path)]
    assert np.array_equal(found.images, resized(upright, found.numbers))


def test_images_are_one_block_of_bytes_ready_to_be_sent(render: Render, tmp_path: Path) -> None:
    content = render(tmp_path / "a.mp4", range(30)).read_bytes()
    images = frames(content, planned(content)).images
    assert images.shape == (3, SIZE, SIZE, 3)
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous


def test_a_deadline_that_has_passed_stops_the_decoding(render: Render, tmp_path: Path) -> None:
    content = render(tmp_path / "a.mp4", range(30)).read_bytes()
    plan = planned(content)
    source = open_source(Video(), content, LIMITS)
    with pytest.raises(DeadlineExceeded, match="while its video was read and decoded") as caught:
        decode(source, plan, SIZE, LIMITS, Budget("it", LIMITS, time.monotonic() - 1))
    assert caught.value.field == "timeout"


def test_a_deadline_that_lies_ahead_does_not(render: Render, tmp_path: Path) -> None:
    content = render(tmp_path / "a.mp4", range(30)).read_bytes()
    source = open_source(Video(), content, LIMITS)
    budget = Budget("it", LIMITS, deadline=time.monotonic() + 3600)
    found = decode(source, planned(content), SIZE, LIMITS, budget)
    assert found.numbers == [1, 16, 30]


@pytest.fixture
def growing(render: Render, tmp_path: Path) -> bytes:
    """A broadcast that goes from 64 x 48 to 128 x 96 pixels after its first second."""
    small = render(tmp_path / "small.ts", range(30))
    large = render(tmp_path / "large.ts", range(30, 60), size=(128, 96))
    return small.read_bytes() + large.read_bytes()


def test_frames_may_change_their_size_on_the_way(growing: bytes) -> None:
    found = frames(growing, planned(growing))
    assert found.numbers == [1, 16, 31, 46, 60]
    assert found.images.shape == (5, SIZE, SIZE, 3)


def test_frames_that_grow_beyond_the_limit_are_not_decoded(growing: bytes) -> None:
    found = frames(growing, planned(growing), VideoLimits(max_pixels=64 * 48))
    assert found.numbers == [1, 16, 30, 30, 30]


def broken(content: bytes, first: int, beyond: int, path: Path) -> bytes:
    """``content`` with the pictures of some packets, counted in decoding order, overwritten."""
    path.write_bytes(content)
    damaged = bytearray(content)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    for packet in packets[first:beyond]:
        assert packet.pos is not None
        for place in range(packet.pos + 5, packet.pos + packet.size):
            damaged[place] = 0xFF
    return bytes(damaged)


def test_the_nearest_earlier_frame_stands_in_for_one_that_cannot_be_decoded(
    render: Render, decode_all: DecodeAll, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(60), group=1)
    content = broken(path.read_bytes(), 14, 17, tmp_path / "damaged.mp4")
    plan = planned(content)
    assert plan.info.sampled.frames == [1, 16, 31, 46, 60]
    found = frames(content, plan)
    assert found.numbers == [1, 14, 31, 46, 60]
    assert np.array_equal(found.images, resized(decode_all(path), found.numbers))


def test_the_first_frame_stands_in_where_there_is_none_before(
    render: Render, decode_all: DecodeAll, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(60), group=1)
    content = broken(path.read_bytes(), 0, 4, tmp_path / "damaged.mp4")
    found = frames(content, planned(content))
    assert found.numbers == [5, 16, 31, 46, 60]
    assert np.array_equal(found.images, resized(decode_all(path), found.numbers))


def test_the_last_frame_that_can_be_decoded_stands_in_for_a_lost_end(
    render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(60), group=1)
    content = broken(path.read_bytes(), 40, 60, tmp_path / "damaged.mp4")
    assert frames(content, planned(content)).numbers == [1, 16, 31, 40, 40]


def test_a_clip_of_which_nothing_can_be_decoded_is_unreadable(
    render: Render, tmp_path: Path
) -> None:
    content = render(tmp_path / "a.mp4", range(60), group=1).read_bytes()
    plan = planned(content)
    damaged = broken(content, 0, 60, tmp_path / "damaged.mp4")
    with pytest.raises(VideoUnreadable, match="none of the sampled frames can be decoded"):
        frames(damaged, plan)
