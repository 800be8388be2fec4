import os
from pathlib import Path

import pytest

from molmo2_contract.errors import (
    InvalidRequest,
    Molmo2Error,
    TooLarge,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_contract.video import Video
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.source import open_source


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    (folder / "a clip#1.mp4").write_bytes(b"inside")
    (tmp_path / "secret.mp4").write_bytes(b"outside")
    return folder


@pytest.fixture
def limits(root: Path) -> VideoLimits:
    return VideoLimits(allowed_roots=(root,), max_video_bytes=100)


def read(uri: str, limits: VideoLimits) -> bytes:
    source = open_source(Video(uri=uri), None, limits)
    with source.file:
        return source.file.read()


def refusal(uri: str, limits: VideoLimits) -> Molmo2Error:
    with pytest.raises(Molmo2Error) as caught:
        open_source(Video(uri=uri), None, limits)
    assert caught.value.field in ("video", "video.uri")
    return caught.value


def test_bytes_sent_with_the_request_are_the_video(limits: VideoLimits) -> None:
    assert open_source(Video(), b"content", limits).file.read() == b"content"


@pytest.mark.parametrize("prefix", ["file://", "file:", "file://localhost", "FILE://"])
def test_a_file_uri_is_percent_decoded(prefix: str, root: Path, limits: VideoLimits) -> None:
    assert read(f"{prefix}{root}/a%20clip%231.mp4", limits) == b"inside"


def test_a_name_that_is_not_utf8_can_be_opened(root: Path, limits: VideoLimits) -> None:
    (root / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"latin")
    assert read(f"file://{root}/caf%E9.mp4", limits) == b"latin"


def test_neither_uri_nor_bytes_is_refused(limits: VideoLimits) -> None:
    with pytest.raises(InvalidRequest, match=r"none given; name it in video\.uri or send"):
        open_source(Video(), None, limits)


def test_uri_and_bytes_together_are_refused(root: Path, limits: VideoLimits) -> None:
    with pytest.raises(InvalidRequest, match="given twice"):
        open_source(Video(uri=f"file://{root}/a%20clip%231.mp4"), b"content", limits)


@pytest.mark.parametrize(
    "uri", ["ftp://example.org/a.mp4", "memory://a.mp4", "/data/a.mp4", "concat:a|b", "a.mp4"]
)
def test_other_schemes_are_refused_with_what_is_served(uri: str, limits: VideoLimits) -> None:
    error = refusal(uri, limits)
    assert isinstance(error, InvalidRequest)
    assert "is not served; served are file:///absolute/path, https://host/path" in error.message


@pytest.mark.parametrize(
    ("uri", "setting"),
    [
        ("https://example.org/a.mp4", "allowed_hosts"),
        ("http://127.0.0.1/a.mp4", "allowed_hosts"),
        ("s3://bucket/a.mp4", "allowed_buckets"),
        ("gs://bucket/a.mp4", "allowed_buckets"),
        ("az://container/a.mp4", "allowed_buckets"),
    ],
)
def test_no_network_is_used_before_it_is_allowed(
    uri: str, setting: str, limits: VideoLimits
) -> None:
    error = refusal(uri, limits)
    assert isinstance(error, VideoForbidden)
    assert f"setting {setting}" in error.message


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("file://example.org/a.mp4", "host 'example.org' is not this server"),
        ("file:///a.mp4?x=1", "write %3F and %23"),
        ("file:///a.mp4#t=3", "write %3F and %23"),
        ("file:a.mp4", "must be absolute"),
        ("file:///a%00.mp4", "without NUL bytes"),
        ("file://[/a.mp4", "video.uri: "),
    ],
)
def test_a_malformed_file_uri_is_refused(uri: str, why: str, limits: VideoLimits) -> None:
    error = refusal(uri, limits)
    assert isinstance(error, InvalidRequest)
    assert why in error.message


def test_without_roots_no_file_is_readable(root: Path) -> None:
    error = refusal(f"file://{root}/a%20clip%231.mp4", VideoLimits())
    assert isinstance(error, VideoForbidden)
    assert "setting allowed_roots" in error.message


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "{root}/../secret.mp4",
        "{root}/%2e%2e/secret.mp4",
        "{root}/missing/../../secret.mp4",
        "{root}2/a.mp4",
        "{root}/link.mp4",
        "{root}/folder/secret.mp4",
        "{root}/dangling.mp4",
        "{outside}/into/a%20clip%231.mp4",
    ],
)
def test_what_leads_outside_the_roots_is_forbidden(
    path: str, root: Path, limits: VideoLimits
) -> None:
    (root / "link.mp4").symlink_to(root.parent / "secret.mp4")
    (root / "folder").symlink_to(root.parent)
    (root / "dangling.mp4").symlink_to("/nowhere/at/all.mp4")
    (root.parent / "into").symlink_to(root)
    uri = "file://" + path.format(root=root, outside=root.parent)
    assert isinstance(refusal(uri, limits), VideoForbidden)


def test_a_forbidden_path_is_refused_alike_whether_something_is_there_or_not(
    root: Path, limits: VideoLimits
) -> None:
    there = refusal(f"file://{root.parent}/secret.mp4", limits)
    gone = refusal(f"file://{root.parent}/nothing.mp4", limits)
    assert there.message == gone.message.replace("nothing", "secret")


def test_links_within_the_roots_are_followed(root: Path, limits: VideoLimits) -> None:
    (root / "link.mp4").symlink_to("a clip#1.mp4")
    assert read(f"file://{root}/link.mp4", limits) == b"inside"


def test_a_root_may_itself_be_a_link(root: Path) -> None:
    alias = root.parent / "alias"
    alias.symlink_to(root)
    limits = VideoLimits(allowed_roots=(alias,))
    assert read(f"file://{alias}/a%20clip%231.mp4", limits) == b"inside"
    assert read(f"file://{root}/a%20clip%231.mp4", limits) == b"inside"


@pytest.mark.parametrize("path", ["gone.mp4", "a%20clip%231.mp4/x", "x" * 300])
def test_a_missing_file_is_not_found(path: str, root: Path, limits: VideoLimits) -> None:
    error = refusal(f"file://{root}/{path}", limits)
    assert isinstance(error, VideoNotFound)
    assert "does not exist" in error.message


def test_a_folder_is_unreadable(root: Path, limits: VideoLimits) -> None:
    error = refusal(f"file://{root}", limits)
    assert isinstance(error, VideoUnreadable)
    assert "is not a regular file" in error.message


def test_a_link_to_itself_is_unreadable(root: Path, limits: VideoLimits) -> None:
    (root / "loop.mp4").symlink_to("loop.mp4")
    assert isinstance(refusal(f"file://{root}/loop.mp4", limits), VideoUnreadable)


def test_a_named_pipe_is_unreadable_and_is_not_waited_for(root: Path, limits: VideoLimits) -> None:
    os.mkfifo(root / "pipe.mp4")
    assert isinstance(refusal(f"file://{root}/pipe.mp4", limits), VideoUnreadable)


def test_a_device_is_unreadable() -> None:
    limits = VideoLimits(allowed_roots=(Path("/dev"),))
    assert isinstance(refusal("file:///dev/zero", limits), VideoUnreadable)


def test_an_empty_video_is_unreadable(root: Path, limits: VideoLimits) -> None:
    (root / "empty.mp4").touch()
    assert isinstance(refusal(f"file://{root}/empty.mp4", limits), VideoUnreadable)
    with pytest.raises(VideoUnreadable, match="sent with the request is empty"):
        open_source(Video(), b"", limits)


def test_too_many_bytes_are_refused_with_the_bound_and_its_setting(
    root: Path, limits: VideoLimits
) -> None:
    (root / "big.mp4").write_bytes(bytes(101))
    error = refusal(f"file://{root}/big.mp4", limits)
    assert isinstance(error, TooLarge)
    assert "has 101 bytes; this server takes up to 100 (setting max_video_bytes)" in error.message
    with pytest.raises(TooLarge, match="the video sent with the request has 101 bytes"):
        open_source(Video(), bytes(101), limits)


def test_equal_bytes_have_equal_identities(limits: VideoLimits) -> None:
    first, same, other = (open_source(Video(), b, limits) for b in (b"one", b"one", b"two"))
    assert first.identity == same.identity != other.identity


def test_a_file_that_changes_has_another_identity(root: Path, limits: VideoLimits) -> None:
    path = root / "a.mp4"
    path.write_bytes(b"before")

    def identity() -> str:
        source = open_source(Video(uri=f"file://{path}"), None, limits)
        source.file.close()
        return source.identity

    before = identity()
    assert identity() == before
    path.write_bytes(b"behind")
    os.utime(path, ns=(0, 1))
    assert identity() != before
