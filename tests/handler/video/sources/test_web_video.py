"""Videos from a web server: what is asked for, and what is read."""

from pathlib import Path

import numpy as np
import pytest
from fetched import CONTENT, MEBIBYTE, opened, refusal

from molmo2_contract.errors import (
    TooLarge,
)
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.opened import OpenVideo, open_video
from molmo2_handler.video.source import open_source


def test_a_video_is_read_whole(web) -> None:
    web.put("/a.mp4", CONTENT)
    with opened(web) as source:
        assert source.file.read() == CONTENT
    assert len(web.requests) == 1


def test_a_read_is_never_short_before_the_end(web) -> None:
    web.put("/a.mp4", CONTENT)
    with opened(web) as source:
        assert source.file.read(2 * MEBIBYTE) == CONTENT[: 2 * MEBIBYTE]
        assert source.file.read(2 * MEBIBYTE) == CONTENT[2 * MEBIBYTE :]


def test_the_end_is_read_without_the_middle(web) -> None:
    web.put("/a.mp4", CONTENT * 20)
    with opened(web) as source:
        assert source.file.read(100) == CONTENT[:100]
        source.file.seek(-100, 2)
        assert source.file.read(200) == CONTENT[-100:]
        source.file.seek(0)
        assert source.file.read(100) == CONTENT[:100]
    assert [fields["Range"] for _, fields in web.requests] == [
        "bytes=0-",
        f"bytes={20 * len(CONTENT) - 100}-",
    ]
    assert web.sent < 40 * MEBIBYTE


def test_no_byte_is_fetched_twice_however_the_reader_jumps(web) -> None:
    web.put("/a.mp4", CONTENT)
    with opened(web) as source:
        for offset in (0, 2_900_000, 1_500_000, 100, 2_900_000, 1_400_000, 5, 0):
            source.file.seek(offset)
            assert source.file.read(50) == CONTENT[offset : offset + 50]
        before = len(web.requests)
        source.file.seek(0)
        assert source.file.read() == CONTENT
        source.file.seek(0)
        assert source.file.read() == CONTENT
        assert len(web.requests) <= before + 3


def test_a_server_without_ranges_is_read_once_and_in_order(web) -> None:
    web.put("/a.mp4", CONTENT, ranges=False)
    with opened(web) as source:
        source.file.seek(-10, 2)
        assert source.file.read() == CONTENT[-10:]
        source.file.seek(0)
        assert source.file.read() == CONTENT
    assert len(web.requests) == 1


def test_a_size_that_nobody_tells_shows_at_the_end(web) -> None:
    def chunked(exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Transfer-Encoding", "chunked")
        exchange.end_headers()
        for start in range(0, len(CONTENT), 100_000):
            piece = CONTENT[start : start + 100_000]
            exchange.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        exchange.write(b"0\r\n\r\n")

    web.pages["/a.mp4"] = chunked
    with opened(web) as source:
        assert source.file.seek(0, 2) == len(CONTENT)
        source.file.seek(0)
        assert source.file.read() == CONTENT
    assert isinstance(refusal(web, max_video_bytes=MEBIBYTE), TooLarge)


def test_a_server_that_sends_ranges_in_parts_is_asked_until_it_has_sent_all(web) -> None:
    def in_parts(exchange) -> None:
        first = int(exchange.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        part = CONTENT[first : first + MEBIBYTE]
        extent = f"bytes {first}-{first + len(part) - 1}/{len(CONTENT)}"
        exchange.reply(206, part, Content_Range=extent)

    web.pages["/a.mp4"] = in_parts
    with opened(web) as source:
        assert source.file.read() == CONTENT
    assert len(web.requests) == 3


def test_what_is_asked_carries_no_cookies_and_no_credentials(web) -> None:
    web.pages["/a.mp4"] = lambda exchange: exchange.reply(
        302, Location="/b.mp4?signature=1", Set_Cookie="session=1"
    )
    web.put("/b.mp4", CONTENT)
    with opened(web) as source:
        source.file.read(1)
    assert web.paths == ["/a.mp4", "/b.mp4?signature=1"]
    for _, fields in web.requests:
        assert set(fields) == {
            "Host", "User-Agent", "Accept", "Accept-Encoding", "Connection", "Range",
        }  # fmt: skip
        assert fields["Host"] == f"videos.example:{web.port}"


def test_proxies_of_the_environment_are_not_used(web, inner, monkeypatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{inner.port}")
    web.put("/a.mp4", CONTENT)
    with opened(web) as source:
        assert source.file.read(10) == CONTENT[:10]
    assert inner.connections == 0


def test_a_tag_vouches_for_the_content(web) -> None:
    web.put("/a.mp4", CONTENT * 20)
    with opened(web) as source:
        first = source.identity
    with opened(web) as source:
        assert source.identity == first
    web.put("/a.mp4", CONTENT[::-1] * 20)
    with opened(web) as source:
        assert source.identity != first
    assert web.sent < 3 * 20 * MEBIBYTE


@pytest.mark.parametrize("fields", [{}, {"ETag": 'W/"weak"'}, {"ETag": "bare"}])
def test_without_a_strong_tag_the_content_speaks_for_itself(web, fields) -> None:
    web.pages["/a.mp4"] = lambda exchange: exchange.reply(200, CONTENT, **fields)
    with opened(web) as source:
        assert source.identity == open_source(Video(), CONTENT, VideoLimits()).identity


def test_a_real_video_is_the_same_over_the_web(web, render, tmp_path: Path) -> None:
    """Its index lies at its end, as in most recordings."""
    clip = render(tmp_path / "clip.mp4", range(90), b_frames=2)
    local = VideoLimits(allowed_roots=(tmp_path,))
    for ranges in (True, False):
        web.put("/clip.mp4", clip.read_bytes(), ranges=ranges)
        with (
            opened(web, "/clip.mp4") as source,
            open_video(Video(uri=clip.as_uri()), None, local) as file,
        ):
            fetched = OpenVideo(source, Video(), local, None)
            assert fetched.info == file.info
            assert np.array_equal(fetched.frames(66).images, file.frames(66).images)
