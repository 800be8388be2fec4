import pytest

from molmo2_client import TooLarge, VideoNotFound, VideoUnreadable
from molmo2_client.upload import check, content, opened


def test_a_file_or_bytes_up_to_the_bound_may_travel(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"abc")
    for source in (path, b"abc"):
        check([source], 3)
    for source in (path, b"abc"):
        assert content(source) == b"abc"
        with pytest.raises(TooLarge, match="3 bytes, and max_upload_bytes is 2") as raised:
            check([source], 2)
        assert "media='path'" in raised.value.message


def test_a_file_is_open_only_meanwhile(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"abc")
    with opened(path) as file:
        assert file.read() == b"abc"
    assert file.closed


def test_a_file_that_cannot_be_read_is_an_error_of_the_video(tmp_path):
    with pytest.raises(VideoNotFound, match="no file"):
        check([tmp_path / "a.mp4"], 3)
    with pytest.raises(VideoUnreadable, match="Is a directory"):
        check([tmp_path], 10**6)
