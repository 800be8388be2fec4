import io
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from molmo2_contract.errors import TooLarge, VideoUnreadable
from molmo2_handler.video.budget import Budget
from molmo2_handler.video.container import open_stream, packets
from molmo2_handler.video.limits import VideoLimits

Render = Callable[..., Path]

BUDGET = Budget("it", VideoLimits())


def refusal(content: bytes, limits: VideoLimits | None = None) -> str:
    opening = open_stream(io.BytesIO(content), "it.mp4", limits or VideoLimits(), BUDGET)
    with pytest.raises((VideoUnreadable, TooLarge)) as caught, opening:
        pass
    assert caught.value.field == "video"
    return caught.value.message


def write_audio(path: Path, codec: str) -> bytes:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 8000), np.int16), format="s16", layout="mono"
        )
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.flv"])
def test_every_packet_of_a_video_is_read(name: str, render: Render, tmp_path: Path) -> None:
    content = render(tmp_path / name, range(10), b_frames=2).read_bytes()
    with open_stream(io.BytesIO(content), name, VideoLimits(), BUDGET) as (container, stream):
        found = list(packets(container, stream))
    assert len(found) == 10
    assert found[0].is_keyframe


@pytest.mark.parametrize(
    "content",
    [
        b"just some words\n" * 100,
        bytes(5000),
        bytes(range(256)) * 20,
        b"<!DOCTYPE html><html><body>404</body></html>",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
    ],
    ids=["text", "zeros", "bytes", "html", "m3u8"],
)
def test_what_is_no_video_is_unreadable(content: bytes) -> None:
    assert refusal(content).startswith("it.mp4 is not a video that can be decoded: ")


def test_a_list_of_other_files_is_unreadable_and_none_of_them_is_opened(
    render: Render, tmp_path: Path
) -> None:
    other = render(tmp_path / "other.mp4", range(3))
    listing = f"ffconcat version 1.0\nfile '{other}'\n".encode()
    assert "its container is none of mp4, matroska, webm" in refusal(listing)


def test_a_picture_is_unreadable() -> None:
    codec = av.CodecContext.create("png", "w")
    codec.width, codec.height, codec.pix_fmt = 8, 8, "rgb24"
    codec.framerate = 1
    frame = av.VideoFrame.from_ndarray(np.zeros((8, 8, 3), np.uint8), format="rgb24")
    png = b"".join(bytes(packet) for packet in [*codec.encode(frame), *codec.encode(None)])
    assert "its container is none of" in refusal(png)


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac")])
def test_a_sound_file_is_told_apart(name: str, codec: str, tmp_path: Path) -> None:
    message = refusal(write_audio(tmp_path / name, codec))
    assert message.endswith("it has no video stream (found: audio)")


def test_the_cover_of_a_song_is_no_video(render: Render, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "song.mp4"), "w") as song:
        cover = song.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="rgb24")
        song.mux(cover.encode(frame))
        song.mux(cover.encode(None))
    assert "it has no video stream" in refusal((tmp_path / "song.mp4").read_bytes())


def test_a_video_whose_index_is_cut_off_is_unreadable(render: Render, tmp_path: Path) -> None:
    content = render(tmp_path / "a.mp4", range(60)).read_bytes()
    assert refusal(content[: len(content) // 2]).startswith("it.mp4 is not a video")


def test_frames_with_too_many_pixels_are_refused_with_the_bound_and_its_setting(
    render: Render, tmp_path: Path
) -> None:
    content = render(tmp_path / "a.mp4", range(3), size=(64, 48)).read_bytes()
    message = refusal(content, VideoLimits(max_pixels=64 * 48 - 1))
    assert message == (
        "it.mp4 has frames of 64 x 48 pixels; this server takes up to 3071 pixels "
        "(setting max_pixels): scale it down"
    )


def test_metadata_that_is_not_utf8_does_no_harm(render: Render, tmp_path: Path) -> None:
    content = render(tmp_path / "a.mkv", range(3)).read_bytes()
    assert b"Lavf" in content
    garbled = content.replace(b"Lavf", b"\xff\xfe\xfd\xfc")
    with open_stream(io.BytesIO(garbled), "a.mkv", VideoLimits(), BUDGET) as (container, stream):
        assert len(list(packets(container, stream))) == 3
