import pytest

from molmo2_client import InvalidRequest, TooLarge, Video, VideoNotFound, VideoUnreadable
from molmo2_client.media import read, resolve


def test_bytes_travel_and_name_no_uri():
    assert resolve(b"abc", "upload") == ({}, b"abc")
    assert resolve(b"abc", "path") == ({}, b"abc")


@pytest.mark.parametrize("uri", ["file:///a.mp4", "file:/a.mp4", "https://a/b.mp4", "s3://a/b"])
def test_a_uri_is_left_to_the_server(uri):
    assert resolve(uri, "upload") == ({"uri": uri}, None)


@pytest.mark.parametrize("name", ["a.mp4", "take 1: street.mp4", "a:b.mp4"])
def test_what_has_no_scheme_is_a_local_path(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"abc")
    assert resolve(str(path), "upload") == ({}, path)
    assert resolve(path, "path") == ({"uri": path.as_uri()}, None)


def test_a_path_is_resolved_before_it_is_sent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.mp4").symlink_to("real.mp4")
    assert resolve("link.mp4", "path")[0] == {"uri": (tmp_path / "real.mp4").resolve().as_uri()}


def test_the_home_folder_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve("~/a.mp4", "upload") == ({}, tmp_path / "a.mp4")


def test_a_contract_video_keeps_what_it_says():
    video = Video(uri="file:///a.mp4", start=2)
    assert resolve(video, "upload") == ({"uri": "file:///a.mp4", "start": 2}, None)


def test_a_contract_video_without_a_uri_is_refused():
    with pytest.raises(InvalidRequest, match="give bytes or a path"):
        resolve(Video(start=2), "upload")


def test_a_file_or_bytes_up_to_the_bound_are_read(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"abc")
    assert read(path, 3) == read(b"abc", 3) == b"abc"
    assert read(None, 3) is None
    for source in (path, b"abc"):
        with pytest.raises(TooLarge, match="3 bytes, and max_upload_bytes is 2") as raised:
            read(source, 2)
        assert "media='path'" in raised.value.message


def test_a_file_that_cannot_be_read_is_an_error_of_the_video(tmp_path):
    with pytest.raises(VideoNotFound, match="no file"):
        read(tmp_path / "a.mp4", 3)
    with pytest.raises(VideoUnreadable, match="Is a directory"):
        read(tmp_path, 10**6)
