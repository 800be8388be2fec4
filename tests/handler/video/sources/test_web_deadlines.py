"""Web servers and names that keep one waiting."""

import time
from collections.abc import Callable

import pytest
from fetched import CONTENT, limits_for, refusal

from molmo2_contract.errors import (
    DeadlineExceeded,
    VideoUnreadable,
)
from molmo2_contract.video import Video
from molmo2_handler.video.source import open_source


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
