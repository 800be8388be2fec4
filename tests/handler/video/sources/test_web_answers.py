"""What becomes of every kind of answer of a web server that is not simply the video."""

from pathlib import Path

import pytest
from fetched import CONTENT, MEBIBYTE, opened, refusal

from molmo2_contract.errors import (
    TooLarge,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.opened import OpenVideo


@pytest.mark.parametrize(
    ("status", "kind", "why"),
    [
        (404, VideoNotFound, "does not exist"),
        (410, VideoNotFound, "does not exist"),
        (401, VideoForbidden, "its origin refused it with status 401"),
        (403, VideoForbidden, "its origin refused it with status 403"),
        (416, VideoUnreadable, "is empty"),
        (429, VideoUnreadable, "its origin answered with status 429"),
        (500, VideoUnreadable, "its origin answered with status 500"),
        (503, VideoUnreadable, "its origin answered with status 503"),
        (204, VideoUnreadable, "its origin answered with status 204"),
        (302, VideoUnreadable, "redirects to nowhere"),
    ],
)
def test_an_answer_without_a_video_is_told_as_what_it_is(web, status, kind, why) -> None:
    web.pages["/a.mp4"] = lambda exchange: exchange.reply(status)
    error = refusal(web)
    assert type(error) is kind
    assert why in error.message


def test_a_message_never_repeats_the_query(web) -> None:
    error = refusal(web, "/a.mp4?signature=secret")
    assert "signature" not in error.message
    assert f"http://videos.example:{web.port}/a.mp4 does not exist" in error.message


def test_too_many_bytes_are_refused_before_they_are_sent(web) -> None:
    web.put("/a.mp4", CONTENT)
    for ranges in (True, False):
        web.put("/a.mp4", CONTENT, ranges=ranges)
        error = refusal(web, max_video_bytes=MEBIBYTE)
        assert isinstance(error, TooLarge)
        assert "has 3145728 bytes; this server takes up to 1048576" in error.message


def test_bytes_are_counted_over_all_transfers(web) -> None:
    """A server that always sends one byte and hangs up makes every byte cost a header."""

    def drip(exchange) -> None:
        first = int(exchange.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        padding = "x" * 60_000
        exchange.reply(206, b"0", Content_Range=f"bytes {first}-{first}/1000", X_Padding=padding)

    web.pages["/a.mp4"] = drip
    error = refusal(web, max_video_bytes=1000)
    assert isinstance(error, TooLarge)
    assert "setting max_video_bytes" in error.message
    assert len(web.requests) < 20


def test_a_body_that_is_cut_off_is_the_origins_fault(web) -> None:
    def cut(exchange) -> None:
        exchange.reply(200, CONTENT[:1000], Content_Length="2000")
        exchange.close_connection = True

    web.pages["/a.mp4"] = cut
    error = refusal(web)
    assert isinstance(error, VideoUnreadable)
    assert "its origin failed: peer closed connection" in error.message


def test_an_empty_range_ends_the_fetching(web) -> None:
    web.pages["/a.mp4"] = lambda exchange: exchange.reply(206, b"", Content_Range="bytes 0-9/10")
    error = refusal(web)
    assert isinstance(error, VideoUnreadable)
    assert "should have 10 bytes; its origin sent fewer" in error.message


def test_more_bytes_than_were_told_are_the_origins_fault(web) -> None:
    web.pages["/a.mp4"] = lambda exchange: exchange.reply(
        206, bytes(20), Content_Range="bytes 0-9/10"
    )
    assert "its origin sent more" in refusal(web).message


@pytest.mark.parametrize("extent", ["bytes 5-9/10", "bytes 0-9/*", "pages 0-9/10", ""])
def test_a_range_that_was_not_asked_for_is_the_origins_fault(web, extent) -> None:
    web.pages["/a.mp4"] = lambda exchange: exchange.reply(206, bytes(10), Content_Range=extent)
    error = refusal(web)
    assert isinstance(error, VideoUnreadable)
    assert "its origin sent" in error.message


def test_a_body_that_is_encoded_is_refused(web) -> None:
    web.pages["/a.mp4"] = lambda exchange: exchange.reply(200, b"x", Content_Encoding="gzip")
    assert "which was not asked for" in refusal(web).message


@pytest.mark.parametrize("tag", [True, False])
def test_a_video_that_changes_between_two_transfers_is_told(web, tag) -> None:
    web.put("/a.mp4", CONTENT, tag=tag)
    with opened(web) as source:
        source.file.read(10)
        web.put("/a.mp4", CONTENT[:-1], tag=tag)
        source.file.seek(-10, 2)
        with pytest.raises(VideoUnreadable, match="changed while it was read"):
            source.file.read()


def test_an_error_of_the_network_reaches_the_caller_through_the_decoder(
    web, render, tmp_path: Path
) -> None:
    content = render(tmp_path / "clip.mkv", range(90)).read_bytes()
    for kept in (100, len(content) // 2, len(content) - 100):

        def cut(exchange, kept: int = kept) -> None:
            exchange.reply(200, content[:kept], Content_Length=str(len(content)))
            exchange.close_connection = True

        web.pages["/a.mkv"] = cut
        with (
            opened(web, "/a.mkv") as source,
            pytest.raises(VideoUnreadable, match="its origin failed"),
        ):
            assert OpenVideo(source, Video(), VideoLimits(), None).info
