import json
from threading import Timer

import pytest

from molmo2_client import Unauthorized
from molmo2_client.credentials import Credentials


def _write(path, key):
    document = {
        "management": {"key": "m", "expiration time": "2030-01-01T00:00:00Z"},
        "inference": {"key": key, "expiration time": "2030-01-01T00:00:00Z"},
        "API": {"key": "a"},
    }
    path.write_text(json.dumps(document, indent=2))


def test_without_token_and_file_none_is_sent():
    assert Credentials().token() is None
    assert not Credentials().renew(None)


def test_a_fixed_token_is_never_renewed(tmp_path):
    _write(tmp_path / "key_file.json", "k")
    credentials = Credentials("fixed", tmp_path / "key_file.json")
    assert credentials.token() == "fixed"
    assert not credentials.renew("fixed")
    assert credentials.token() == "fixed"


def test_the_inference_key_of_the_file_is_the_token_and_is_read_once(tmp_path):
    path = tmp_path / "key_file.json"
    _write(path, "first")
    credentials = Credentials(key_file=path)
    assert credentials.token() == "first"
    _write(path, "second")
    assert credentials.token() == "first"


def test_a_refused_key_is_renewed_only_by_another(tmp_path):
    path = tmp_path / "key_file.json"
    _write(path, "first")
    credentials = Credentials(key_file=path)
    assert not credentials.renew(credentials.token())
    _write(path, "second")
    assert credentials.renew("first")
    assert credentials.token() == "second"


@pytest.mark.parametrize("meanwhile", ["old", ""])
def test_a_key_that_comes_a_moment_after_the_old_one_was_refused_is_waited_for(tmp_path, meanwhile):
    path = tmp_path / "key_file.json"
    _write(path, "old")
    credentials = Credentials(key_file=path)
    refused = credentials.token()
    if not meanwhile:
        path.write_text("")  # TorchServe is just writing it
    Timer(0.1, _write, (path, "new")).start()
    assert credentials.renew(refused)
    assert credentials.token() == "new"


def test_a_file_that_is_not_there_says_where_torchserve_writes_it(tmp_path):
    with pytest.raises(Unauthorized, match=r"No such file.*folder it is started in"):
        Credentials(key_file=tmp_path / "key_file.json").token()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"inference": "k"}', '{"inference":{"key":1}}'])
def test_a_file_that_is_not_torchserves_is_refused(tmp_path, text):
    path = tmp_path / "key_file.json"
    path.write_text(text)
    with pytest.raises(Unauthorized, match="holds no inference key"):
        Credentials(key_file=path).token()
