"""Videos from a web server: what is asked for, and what becomes of every kind of answer."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from molmo2_contract.errors import (
    DeadlineExceeded,
    InternalError,
    InvalidRequest,
    Molmo2Error,
    TooLarge,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.opened import OpenVideo, open_video
from molmo2_handler.video.source import Source, open_source

MEBIBYTE = 2**20
CONTENT = np.random.default_rng(0).bytes(3 * MEBIBYTE)


def limits_for(web, **settings) -> VideoLimits:
    allowed = {
        "allowed_hosts": ("videos.example",),
        "allowed_ports": (web.port,),
        "allowed_addresses": (f"{web.host}/32",),
    }
    return VideoLimits(**{**allowed, **settings})


@contextmanager
def opened(web, path: str = "/a.mp4", *, deadline=None, **settings) -> Iterator[Source]:
    uri = f"http://videos.example:{web.port}{path}"
    resolve = lambda host, port: [web.host]  # noqa: E731
    source = open_source(Video(uri=uri), None, limits_for(web, **settings), deadline, resolve)
    with source.file:
        yield source


def refusal(web, path: str = "/a.mp4", *, deadline=None, **settings) -> Molmo2Error:
    with (
        pytest.raises(Molmo2Error) as caught,
        opened(web, path, deadline=deadline, **settings) as source,
    ):
        source.file.read()
    return caught.value


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


def silent(exchange) -> None:
    time.sleep(2)


def dripping_header(exchange) -> None:
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(40):
        time.sleep(0.05)
        exchange.write(b"X-More: 1\r\n")


def dripping_body(exchange) -> None:
    exchange.reply(200, b"", Content_Length="1000")
    for _ in range(40):
        time.sleep(0.05)
        exchange.write(b"x")


@pytest.mark.parametrize("slow", [silent, dripping_header, dripping_body])
def test_one_deadline_holds_for_everything(web, slow: Callable[..., None]) -> None:
    web.pages["/a.mp4"] = slow
    error = refusal(web, deadline=time.monotonic() + 0.4)
    assert isinstance(error, DeadlineExceeded)
    assert error.field == "timeout"


def test_a_deadline_that_has_passed_opens_no_connection(web) -> None:
    assert isinstance(refusal(web, deadline=time.monotonic() - 1), DeadlineExceeded)
    assert web.connections == 0


def test_a_resolver_that_hangs_is_left_at_the_deadline(web) -> None:
    def hang(host: str, port: int) -> list[str]:
        time.sleep(2)
        return [web.host]

    uri = f"http://videos.example:{web.port}/a.mp4"
    with pytest.raises(DeadlineExceeded):
        open_source(Video(uri=uri), None, limits_for(web), time.monotonic() + 0.2, hang)


def test_a_name_without_an_address_is_told(web) -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    uri = f"http://videos.example:{web.port}/a.mp4"
    with pytest.raises(VideoUnreadable, match=r"videos\.example has no address"):
        open_source(Video(uri=uri), None, limits_for(web), None, unknown)


def test_the_next_address_is_tried_where_one_refuses(web) -> None:
    web.put("/a.mp4", CONTENT)
    uri = f"http://videos.example:{web.port}/a.mp4"
    limits = limits_for(web, allowed_addresses=("127.0.0.0/8",))
    both = lambda host, port: ["127.0.0.9", web.host]  # noqa: E731
    with open_source(Video(uri=uri), None, limits, None, both).file as file:
        assert file.read(5) == CONTENT[:5]


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


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("http://user:secret@videos.example/a.mp4", "names and passwords are not taken"),
        ("http://videos.example/a b.mp4", "percent-encode"),
        ("http://videos.example/ä.mp4", "percent-encode"),
        ("http://videos.example/a.mp4#t=3", "a fragment"),
        ("http:///a.mp4", "is not a host"),
        ("http:videos.example/a.mp4", "http://host/path"),
        ("http://videos.example:x/a.mp4", "there may only be ':' and a port"),
        ("http://videos.example./a.mp4", "without a dot at its end"),
        ("http://2130706433/a.mp4", "four decimal numbers"),
    ],
)
def test_a_malformed_uri_is_refused_with_what_to_write(uri: str, why: str) -> None:
    limits = VideoLimits(allowed_hosts=("videos.example",))
    with pytest.raises(InvalidRequest) as caught:
        open_source(Video(uri=uri), None, limits)
    assert why in caught.value.message
    assert "secret" not in caught.value.message


def test_nothing_is_left_behind(web, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    web.put("/whole.mp4", CONTENT)
    web.put("/in-order.mp4", CONTENT, ranges=False)
    web.pages["/cut.mp4"] = lambda exchange: exchange.reply(206, Content_Range="bytes 0-9/10")
    web.redirect("/loop.mp4", "/loop.mp4")
    for path in ("/whole.mp4", "/in-order.mp4", "/cut.mp4", "/loop.mp4", "/gone.mp4"):
        for whence in (0, 2):
            with contextlib.suppress(Molmo2Error), opened(web, path) as source:
                source.file.seek(0, whence)
                source.file.read(10)
                assert list(tmp_path.iterdir()) == []
                assert len(open_files_in(tmp_path)) == 1
    assert open_files_in(tmp_path) == []
    connections = psutil.Process().net_connections()
    assert not [c for c in connections if c.raddr and c.raddr.port == web.port]


def open_files_in(folder: Path) -> list[str]:
    """The files of this process there, also those without a name."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one of this very listing
            links.append(str(descriptor.readlink()))
    return [link for link in links if link.startswith(f"{folder}/")]


def test_without_room_for_it_a_video_is_not_fetched(web, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    web.put("/a.mp4", CONTENT)
    error = refusal(web)
    assert isinstance(error, InternalError)
    assert "has no room in" in error.message
