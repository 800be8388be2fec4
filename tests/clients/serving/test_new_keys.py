"""The operator's command for new keys."""

import json

import pytest

from molmo2_client.serving.new_keys import NewKeys


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "key_file.json"


@pytest.fixture
def told():
    return []


def write(key_file, key):
    key_file.write_text(json.dumps({"inference": {"key": key}}))


def test_it_runs_once_for_each_key_and_knows_the_file(key_file, told, tmp_path):
    keys = NewKeys(key_file, f'cat "$MOLMO2_KEY_FILE" >> {tmp_path}/seen', told.append)
    for key in ("first", "first", "second", "second"):
        write(key_file, key)
        keys.look()
    assert (tmp_path / "seen").read_text() == (
        '{"inference": {"key": "first"}}{"inference": {"key": "second"}}'
    )
    assert not told


def test_one_that_fails_is_told_once_and_tried_until_it_succeeds(key_file, told, tmp_path):
    keys = NewKeys(key_file, f"echo tried >> {tmp_path}/tries; test -e {tmp_path}/up", told.append)
    write(key_file, "first")
    keys.look()
    keys.look()
    assert told == [
        "the command for new keys ended with status 1; it is tried again until it succeeds"
    ]
    (tmp_path / "up").touch()
    keys.look()
    keys.look()
    assert (tmp_path / "tries").read_text().count("tried") == 3


def test_a_server_without_tokens_has_no_new_keys(key_file, told, tmp_path):
    NewKeys(key_file, f"touch {tmp_path}/ran", told.append).look()
    assert not (tmp_path / "ran").exists()
