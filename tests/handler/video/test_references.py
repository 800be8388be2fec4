from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from molmo2_handler.video.references import marks_nonreference, starts_afresh

Render = Callable[..., Path]


def fresh_starts(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return [place for place, packet in enumerate(packets) if starts_afresh(packet)]


def keyframes(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        return [place for place, packet in enumerate(packets) if packet.is_keyframe]


def marked(path: Path) -> bool:
    with av.open(str(path)) as container:
        return marks_nonreference(container.streams.video[0].codec_context)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.flv", "a.avi"])
def test_closed_groups_of_h264_start_afresh_in_every_container(
    name: str, render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / name, range(30), b_frames=2, group=10)
    assert fresh_starts(path) == [0, 10, 20]


@pytest.mark.parametrize(
    ("codec", "name", "options"),
    [
        ("libx265", "a.mp4", {"preset": "ultrafast", "x265-params": "log-level=none:open-gop=0"}),
        ("libvpx-vp9", "a.webm", {"deadline": "realtime", "cpu-used": "8"}),
    ],
)
def test_so_do_those_of_other_codecs(
    codec: str, name: str, options: dict[str, str], render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / name, range(30), codec=codec, options=options, group=10)
    assert fresh_starts(path) == keyframes(path)
    assert len(fresh_starts(path)) >= 3


@pytest.mark.parametrize("parameters", ["open-gop=1:keyint=10", "intra-refresh=1:keyint=10"])
def test_keyframes_that_later_frames_look_behind_do_not(
    parameters: str, render: Render, tmp_path: Path
) -> None:
    path = render(tmp_path / "a.mp4", range(30), b_frames=2, options={"x264-params": parameters})
    assert len(keyframes(path)) > 1
    assert fresh_starts(path) == [0]


@pytest.mark.parametrize(
    ("codec", "parameters", "is_marked"),
    [
        ("libx264", {}, True),
        ("mpeg4", {}, True),
        ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}, True),
        (
            "libx265",
            {"preset": "ultrafast", "x265-params": "log-level=none:temporal-layers=3"},
            False,
        ),
        ("mjpeg", {}, False),
    ],
)
def test_a_nonreference_mark_is_trusted_where_it_holds_for_every_frame(
    codec: str, parameters: dict[str, str], is_marked: bool, render: Render, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"codec": codec, "options": parameters}
    if codec == "mjpeg":
        options["pixel_format"] = "yuvj420p"
    assert marked(render(tmp_path / "a.mp4", range(8), **options)) is is_marked
