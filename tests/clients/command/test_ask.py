"""``molmo2 ask`` with a request from a file: what goes before what."""

import json

import pytest
from typer.testing import CliRunner

from molmo2_client.command.app import app


@pytest.fixture
def ask(clips, contract_server, tmp_path):
    """Asks about a clip with a request that has a timeout of 9 s; the request that arrived."""
    (tmp_path / "request.json").write_text(
        json.dumps({"operations": [{"operation": "embed"}], "timeout": 9})
    )

    def run(*options, **environment):
        line = ["ask", str(clips / "a.mp4"), "--request", str(tmp_path / "request.json"), *options]
        environment |= {"MOLMO2_URL": contract_server.url, "MOLMO2_MEDIA": "path"}
        done = CliRunner(env=environment).invoke(app, line)
        assert done.exit_code == 0, done.output
        return contract_server.requests[-1]

    return run


def test_a_timeout_given_goes_before_the_requests(ask):
    assert ask("--timeout", "600").timeout == 600


def test_the_requests_goes_before_the_environments(ask):
    assert ask(MOLMO2_TIMEOUT="600").timeout == 9
    assert ask().timeout == 9


def test_a_sampling_given_goes_before_the_requests(ask):
    request = ask("--max-frames", "8", "--max-fps", "1")
    assert (request.video.max_frames, request.video.max_fps) == (8, 1)
