"""``molmo2 weights pull``."""

import pytest
from small_hub import COMMIT, NAME, SmallHub, checkpoint_files, serve
from typer.testing import CliRunner

from molmo2_client.command.app import app


@pytest.fixture
def pull(monkeypatch):
    with serve(SmallHub(NAME, checkpoint_files())) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        yield lambda *arguments: CliRunner().invoke(app, ["weights", "pull", *map(str, arguments)])


def test_it_says_what_is_there_and_which_revision_to_pin(pull, tmp_path):
    done = pull(NAME, tmp_path / "weights")
    assert done.exit_code == 0, done.output
    first, *others = done.stdout.splitlines()
    assert first.startswith(f"{tmp_path / 'weights'} is there: 5 files, 50")
    assert first.endswith(" kB")
    assert others == [f"source {NAME}", f"revision {COMMIT}"]
    assert "was there already" in pull(NAME, tmp_path / "weights").stdout


def test_what_cannot_be_pulled_is_one_line(pull, tmp_path):
    done = pull("someone/else", tmp_path / "weights")
    assert done.exit_code == 3
    assert done.stdout == ""
    assert done.stderr.startswith("molmo2: someone/else: is not on http://127.0.0.1")
    assert done.stderr.count("\n") == 1
