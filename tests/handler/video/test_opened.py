from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from molmo2_contract.errors import InvalidRequest, VideoUnreadable
from molmo2_contract.request import parse_request
from molmo2_contract.video import Video
from molmo2_handler.video import VideoLimits, open_video

Render = Callable[..., Path]

LIMITS = VideoLimits()


@pytest.fixture(scope="module")
def clip(render: Render, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("videos") / "clip.mp4", range(90), b_frames=2)


def key(body: bytes, **asked: Any) -> bytes:
    with open_video(Video.model_validate(asked), body, LIMITS) as opened:
        return opened.key


def file_key(path: Path) -> bytes:
    limits = VideoLimits(allowed_roots=(path.parent,))
    with open_video(Video(uri=path.as_uri()), None, limits) as opened:
        return opened.key


def test_a_video_is_described_and_decoded_at_any_size(clip: Path) -> None:
    with open_video(Video(), clip.read_bytes(), LIMITS) as opened:
        assert opened.info.sampled.times == [0, 0.5, 1, 1.5, 2, 2.5, 3]
        for size in (66, 99):
            found = opened.frames(size)
            assert found.images.shape == (7, size, size, 3)
            assert found.numbers == opened.info.sampled.frames == [1, 16, 31, 46, 61, 76, 90]


def test_a_file_and_its_bytes_give_the_same_frames(clip: Path) -> None:
    limits = VideoLimits(allowed_roots=(clip.parent,))
    with (
        open_video(Video(uri=clip.as_uri()), None, limits) as file,
        open_video(Video(), clip.read_bytes(), limits) as sent,
    ):
        assert file.info == sent.info
        assert np.array_equal(file.frames(66).images, sent.frames(66).images)


def test_what_is_no_video_shows_when_it_is_used() -> None:
    with (
        open_video(Video(), b"just some words", LIMITS) as opened,
        pytest.raises(VideoUnreadable),
    ):
        assert opened.info


def test_the_key_is_that_of_content_clip_and_sampling() -> None:
    keys = [
        key(b"one"),
        key(b"two"),
        key(b"one", start=1.0),
        key(b"one", end=1.0),
        key(b"one", max_frames=10),
        key(b"one", max_fps=1.0),
    ]
    assert len({*keys}) == len(keys)
    assert key(b"one", start=1.0) == key(b"one", start=1.0)
    assert {len(each) for each in keys} == {32}


def test_a_copy_of_a_file_has_a_key_of_its_own(clip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(clip.read_bytes())
    assert file_key(copy) == file_key(copy)
    assert file_key(copy) != file_key(clip)


def test_links_to_a_file_share_its_key(clip: Path) -> None:
    link = clip.parent / "link.mp4"
    link.symlink_to(clip)
    assert file_key(link) == file_key(clip)


def test_closing_a_video_closes_its_file(clip: Path) -> None:
    opened = open_video(Video(uri=clip.as_uri()), None, VideoLimits(allowed_roots=(clip.parent,)))
    with opened:
        assert opened.info.frame_count == 90
    with pytest.raises(ValueError, match="closed file"):
        opened.frames(66)


def test_a_negative_start_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_request(
            {"video": {"start": -1}, "operations": [{"operation": "temporal_localization"}]}
        )
    assert caught.value.field == "video.start"
