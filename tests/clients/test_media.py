import pytest

from molmo2_client import (
    InvalidRequest,
    Video,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
    media,
)
from molmo2_client.media import explained

PREFIXES = {"/data": "s3://bucket/data/", "/data/raw": "/mnt/raw", "/srv": "https://host/srv"}


def resolve(video, way, prefixes=PREFIXES):
    return media.resolve(video, way, prefixes)


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


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("/data/take 1/a.mp4", "s3://bucket/data/take 1/a.mp4"),
        ("/srv/take 1/a.mp4", "https://host/srv/take%201/a.mp4"),
        ("/data/raw/take 1.mp4", "file:///mnt/raw/take%201.mp4"),
        ("/data/../srv/a.mp4", "https://host/srv/a.mp4"),
    ],
)
@pytest.mark.parametrize("way", ["path", "uri"])
def test_the_longest_prefix_says_where_the_server_has_a_file(way, path, uri):
    assert resolve(path, way) == ({"uri": uri}, None)


def test_a_prefix_is_of_whole_names():
    assert resolve("/database/a.mp4", "path") == ({"uri": "file:///database/a.mp4"}, None)


def test_a_path_that_no_prefix_begins_is_no_uri():
    with pytest.raises(InvalidRequest, match=r"\(/data, /data/raw, /srv\) begins /home/a\.mp4"):
        resolve("/home/a.mp4", "uri")


def test_prefixes_do_not_hinder_an_upload(tmp_path):
    assert resolve(tmp_path / "a.mp4", "upload", {str(tmp_path): "/x"}) == (
        {},
        tmp_path / "a.mp4",
    )


@pytest.mark.parametrize("kind", [VideoForbidden, VideoNotFound, InvalidRequest])
def test_a_path_that_the_server_refuses_is_explained(kind):
    refusal = kind("file:///data/a.mp4 lies outside", field="video.uri")
    refusal.request_id = "r-1"

    with (
        pytest.raises(
            kind, match=r"outside \[the server cannot see /data/a\.mp4: .*upload"
        ) as raised,
        explained({"video.uri": "/data/a.mp4"}),
    ):
        raise refusal

    assert (raised.value.field, raised.value.request_id) == ("video.uri", "r-1")


@pytest.mark.parametrize(
    ("video", "error"),
    [
        ("s3://bucket/a.mp4", VideoNotFound("gone", field="video.uri")),
        ("/data/a.mp4", InvalidRequest("no", field="operations")),
        ("/data/a.mp4", VideoUnreadable("no video", field="video")),
        (b"abc", VideoForbidden("no", field="video.uri")),
    ],
)
def test_other_errors_stay_as_they_are(video, error):
    with pytest.raises(type(error)) as raised, explained({"video.uri": video}):
        raise error

    assert raised.value is error
