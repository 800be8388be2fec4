from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from molmo2_contract.errors import InvalidRequest, VideoForbidden
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.source import open_source
from molmo2_handler.video.sources.web_address import WebAddress, allowed_web_address

PIECES = [
    *("http", "https", "HTTP", ":", "/", "//", "@", "#", "?", "\\", "%", "%40", "%2e", ".", ".."),
    *("videos.example", "127.0.0.1", "[::1]", "[", "]", "[::ffff:127.0.0.1]", "localhost", "a.mp4"),
    *(
        "80",
        "443",
        "8080",
        "0x7f",
        "1",
        "\t",
        "\n",
        " ",
        "\0",
        "。",
        "①",
        "ß",
        "user",
        "*",
        "-",
        "_",
    ),
]
uris = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.builds(
    "{}://{}{}".format,
    st.sampled_from(["http", "https"]),
    st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    st.sampled_from(["", "/", "/a.mp4", "?a=b", "/a?b=c", "//a"]),
)


@given(uris)
@example("http://127.0.0.1:80@videos.example/")
@example("http://videos.example:80443/")
@example("http://[::ffff:127.0.0.1]:8080/a.mp4")
def test_what_is_accepted_is_read_alike_by_other_programs(uri: str) -> None:
    try:
        address = WebAddress.parse(uri)
    except ValueError:
        return
    default = {"http": 80, "https": 443}[address.scheme]
    split = urlsplit(uri)
    assert (split.scheme, split.port or default) == (address.scheme, address.port)
    assert WebAddress.parse(f"http://{split.netloc}/").host == address.host
    other = httpx2.URL(uri)
    assert (other.scheme, other.port or default) == (address.scheme, address.port)
    assert WebAddress.parse(f"http://{other.netloc.decode()}/").host == address.host


@given(uris)
def test_an_accepted_address_is_written_as_it_is_read(uri: str) -> None:
    try:
        address = WebAddress.parse(uri)
    except ValueError:
        return
    assert WebAddress.parse(str(address)) == address


@given(uris)
def test_only_what_is_allowed_is_let_through(uri: str) -> None:
    limits = VideoLimits(allowed_hosts=("videos.example", "*.media.example"))
    try:
        address = allowed_web_address(uri, limits)
    except (InvalidRequest, VideoForbidden):
        return
    assert address.host == "videos.example"
    assert address.port in (80, 443)


@pytest.mark.parametrize(
    ("uri", "authority", "name"),
    [
        ("http://A.example", "a.example", "http://a.example/"),
        ("https://a.example:443/b?c", "a.example", "https://a.example/b"),
        ("https://a.example:80/b", "a.example:80", "https://a.example:80/b"),
        ("http://[::1]:8080/", "[::1]:8080", "http://[::1]:8080/"),
        ("http://a.example?b=/c", "a.example", "http://a.example/"),
    ],
)
def test_an_address_says_its_host_and_names_itself_without_its_query(
    uri: str, authority: str, name: str
) -> None:
    address = WebAddress.parse(uri)
    assert (address.authority, address.name) == (authority, name)


def test_names_below_an_allowed_one_are_allowed_and_it_is_not() -> None:
    limits = VideoLimits(allowed_hosts=("*.media.example",))
    for host in ("a.media.example", "a.b.media.example"):
        assert allowed_web_address(f"http://{host}/", limits).host == host
    for host in ("media.example", "amedia.example", "media.example.a"):
        with pytest.raises(VideoForbidden, match="setting allowed_hosts"):
            allowed_web_address(f"http://{host}/", limits)


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
