from pathlib import Path

import pytest

from molmo2_client import InvalidRequest, Molmo2, Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MOLMO2_{name.upper()}", raising=False)


def test_settings_come_from_the_environment_under_those_given(monkeypatch):
    monkeypatch.setenv("MOLMO2_URL", "grpc://example.org")
    monkeypatch.setenv("MOLMO2_MODEL", "molmo2-8b")
    monkeypatch.setenv("MOLMO2_RETRIES", "7")
    settings = Settings.load(model="molmo2-4b", url=None)
    assert (settings.url, settings.model, settings.retries) == (
        "grpc://example.org",
        "molmo2-4b",
        7,
    )


def test_a_client_shows_where_it_asks_and_no_token():
    with Molmo2(token="secret") as client:
        assert repr(client) == "Molmo2(url='http://127.0.0.1:8080', model='molmo2-demo')"
        assert "secret" not in repr(client.settings)


def test_a_setting_out_of_bounds_names_itself_and_its_variable(monkeypatch):
    monkeypatch.setenv("MOLMO2_TIMEOUT", "7200")
    with pytest.raises(InvalidRequest, match=r"timeout: must be .*3600.*MOLMO2_TIMEOUT") as raised:
        Molmo2()
    assert raised.value.field == "timeout"


def test_a_key_file_given_goes_before_a_token_of_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MOLMO2_TOKEN", "of-another-server")
    assert Settings.load(key_file=tmp_path / "key_file.json").token is None
    assert Settings.load().token.get_secret_value() == "of-another-server"


def test_retries_given_go_before_a_time_to_ask_again_of_the_environment(monkeypatch):
    monkeypatch.setenv("MOLMO2_RETRY_FOR", "3600")
    assert Settings.load().retry_for == 3600
    assert Settings.load(retries=0).retry_for is None
    assert Settings.load(retries=0, retry_for=5).retry_for == 5


def test_every_argument_of_a_client_is_a_setting_and_every_setting_an_argument():
    from inspect import signature

    assert set(signature(Molmo2).parameters) == set(Settings.model_fields)


def test_prefixes_come_from_the_environment_as_json(monkeypatch):
    monkeypatch.setenv("MOLMO2_MEDIA_PREFIXES", '{"/data/": "s3://bucket/data"}')
    assert Settings.load().media_prefixes == {"/data": "s3://bucket/data"}


def test_a_prefix_that_leads_nowhere_names_the_setting_that_it_is_of():
    with pytest.raises(
        InvalidRequest, match=r"^media_prefixes: 'bucket' must be an abs.* or a URI"
    ) as raised:
        Settings.load(media_prefixes={"/data": "bucket"})
    assert raised.value.field == "media_prefixes"


def test_files_may_be_given_from_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").touch()
    settings = Settings.load(key_file=Path("~/key_file.json"), ca_file="~/ca.pem")
    assert settings.key_file == tmp_path / "key_file.json"
    assert settings.ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize("given", ["/data=s3://bucket", '{"/data": "bucket"}'])
def test_prefixes_that_are_none_say_how_they_are_written(monkeypatch, given):
    monkeypatch.setenv("MOLMO2_MEDIA_PREFIXES", given)
    with pytest.raises(InvalidRequest, match=r"(?i)media_prefixes"):
        Settings.load()


def test_prefixes_given_for_uploads_are_refused():
    with pytest.raises(InvalidRequest, match="media='path' or media='uri'"):
        Molmo2(media_prefixes={"/data": "s3://bucket"})
    Molmo2(media_prefixes={"/data": "s3://bucket"}, media="uri").close()
