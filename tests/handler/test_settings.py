"""Settings of the request workers: the file's, unless the environment says otherwise."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from molmo2_handler.settings import HandlerSettings


def test_everything_has_a_default():
    settings = HandlerSettings()
    assert settings.max_request_bytes == 2**20
    assert settings.max_timeout == 600
    assert settings.engine_start_timeout == 600
    assert settings.run_directory is None
    assert settings.video.allowed_roots == ()


def test_the_file_beats_the_defaults():
    settings = HandlerSettings(max_timeout=5, video={"max_duration": 60, "allowed_roots": ["/d"]})
    assert settings.max_timeout == 5
    assert settings.video.max_duration == 60
    assert settings.video.allowed_roots == (Path("/d"),)


def test_the_environment_beats_the_file(monkeypatch):
    monkeypatch.setenv("MOLMO2_HANDLER_MAX_TIMEOUT", "7")
    monkeypatch.setenv("MOLMO2_HANDLER_RUN_DIRECTORY", "/run/molmo2")
    settings = HandlerSettings(max_timeout=5, max_request_bytes=2048)
    assert settings.max_timeout == 7
    assert settings.max_request_bytes == 2048
    assert settings.run_directory == Path("/run/molmo2")


def test_one_setting_of_the_videos_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("MOLMO2_HANDLER_VIDEO__ALLOWED_ROOTS", '["/data", "/more"]')
    monkeypatch.setenv("MOLMO2_HANDLER_VIDEO__MAX_DURATION", "9")
    file = {"max_duration": 60, "decode_threads": 3, "allowed_roots": ["/elsewhere"]}
    video = HandlerSettings(video=file).video
    assert video.allowed_roots == (Path("/data"), Path("/more"))
    assert video.max_duration == 9
    assert video.decode_threads == 3


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"max_request_bytes": 10}, "max_request_bytes"),
        ({"max_timeout": 0}, "max_timeout"),
        ({"max_timeout": "long"}, "max_timeout"),
        ({"engine_start_timeout": -1}, "engine_start_timeout"),
        ({"max_timeuot": 5}, "max_timeuot"),
        ({"video": {"max_duration": 0}}, "video.max_duration"),
        ({"video": {"allowed_roots": ["data"]}}, "video.allowed_roots.0"),
        ({"video": {"roots": ["/data"]}}, "video.roots"),
    ],
)
def test_a_bad_value_in_the_file_names_its_field(given, field):
    with pytest.raises(ValidationError) as refused:
        HandlerSettings(**given)
    (fault,) = refused.value.errors()
    assert ".".join(str(part) for part in fault["loc"]) == field
    assert field in str(refused.value)


def test_a_bad_value_in_the_environment_names_its_field(monkeypatch):
    monkeypatch.setenv("MOLMO2_HANDLER_VIDEO__MAX_VIDEO_BYTES", "many")
    with pytest.raises(ValidationError, match=r"video\.max_video_bytes"):
        HandlerSettings()


@pytest.mark.parametrize("python", [None, "/no/such/python"])
def test_the_reference_wants_a_python_of_its_own(python):
    with pytest.raises(ValidationError, match=r"reference_python.*pip install"):
        HandlerSettings(reference=True, reference_python=python)
