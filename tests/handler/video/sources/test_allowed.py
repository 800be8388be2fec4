"""What an operator may write into the settings of the network."""

import importlib.util

import pytest
from pydantic import ValidationError

from molmo2_handler.settings import HandlerSettings
from molmo2_handler.video.limits import VideoLimits


def test_nothing_is_allowed_unless_it_is_set() -> None:
    limits = VideoLimits()
    assert limits.allowed_hosts == limits.allowed_addresses == limits.allowed_buckets == ()
    assert limits.allowed_ports == (80, 443)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Videos.Example.org", "videos.example.org"),
        ("*.example.org", "*.example.org"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("minio", "minio"),
    ],
)
def test_hosts_are_kept_in_one_spelling(written: str, read: str) -> None:
    assert VideoLimits(allowed_hosts=(written,)).allowed_hosts == (read,)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("allowed_hosts", "*"),
        ("allowed_hosts", "*.*"),
        ("allowed_hosts", "*.0.0.1"),
        ("allowed_hosts", "*.[::1]"),
        ("allowed_hosts", "example.*"),
        ("allowed_hosts", "https://example.org"),
        ("allowed_hosts", "example.org/videos"),
        ("allowed_hosts", "example.org:8080"),
        ("allowed_hosts", "example.org."),
        ("allowed_hosts", "127.1"),
        ("allowed_hosts", ""),
        ("allowed_ports", 0),
        ("allowed_ports", 65536),
        ("allowed_addresses", "10.0.0.1/8"),
        ("allowed_addresses", "intranet"),
        ("allowed_buckets", "s3://"),
        ("allowed_buckets", "clips"),
        ("allowed_buckets", "https://example.org"),
        ("allowed_buckets", "file:///data"),
        ("allowed_buckets", "s3://*"),
    ],
)
def test_what_does_not_say_what_it_allows_is_no_setting(setting: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        VideoLimits(**{setting: (value,)})
    assert caught.value.errors()[0]["loc"] == (setting, 0)


def test_a_bucket_whose_package_is_missing_names_the_extra(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r"pip install 'molmo2-torchserve\[gcs\]'"):
        VideoLimits(allowed_buckets=("gs://clips",))


def test_the_environment_can_set_them(monkeypatch) -> None:
    monkeypatch.setenv("MOLMO2_HANDLER_VIDEO__ALLOWED_HOSTS", '["*.example.org"]')
    monkeypatch.setenv("MOLMO2_HANDLER_VIDEO__ALLOWED_BUCKETS", '["s3://clips/"]')
    monkeypatch.setenv(
        "MOLMO2_HANDLER_VIDEO__STORE_OPTIONS", '{"s3": {"endpoint_url": "http://minio:9000"}}'
    )
    video = HandlerSettings().video
    assert video.allowed_hosts == ("*.example.org",)
    assert video.allowed_buckets == ("s3://clips",)
    assert video.store_options == {"s3": {"endpoint_url": "http://minio:9000"}}
