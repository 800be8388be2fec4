"""``molmo2`` as a shell runs it: what it prints, where, and its exit code."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

MOLMO2 = Path(sys.executable).with_name("molmo2")


@pytest.fixture
def molmo2(tmp_path):
    """Runs the command in an empty folder with an environment of its own."""

    def run(*arguments, stdin="", stdout=subprocess.PIPE, **environment):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("MOLMO2_")}
        return subprocess.run(
            [MOLMO2, *map(str, arguments)],
            input=stdin,
            env=inherited | {"COLUMNS": "100"} | environment,
            cwd=tmp_path,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def asked(molmo2, torchserve):
    """Runs the command against the test server."""

    def run(*arguments, url=torchserve.http_url, **environment):
        server = {
            "MOLMO2_URL": url,
            "MOLMO2_MODEL": "echo",
            "MOLMO2_KEY_FILE": str(torchserve.key_file),
        }
        return molmo2(*arguments, **server | environment)

    return run


def _one_line(text):
    return text.startswith("molmo2: ") and text.count("\n") == 1


def test_help_teaches_by_examples(molmo2):
    help_of_all = molmo2("--help").stdout
    for part in ("ask", "info", "label", "serve", "molmo2 ask street.mp4 --operation pointing"):
        assert part in help_of_all
    help_of_ask = molmo2("ask", "--help").stdout
    for part in ("Examples", "--request request.json", "Exit codes", "MOLMO2_KEY_FILE"):
        assert part in help_of_ask


DESCRIBE = ["ask", "file:///a.mp4", "--operation", "describe", "--prompt", "Which?"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ask", "a.mp4"], "--operation or --request"),
        (["ask", "a.mp4", "--operation", "pointing"], "wanted: one for pointing"),
        (["ask", "--operation", "embed"], "VIDEO"),
        (["ask", "a.mp4", "--frames", "3"], "--frames"),
        (["ask", "a.mp4", "--request", "missing.json"], "missing.json"),
        ([*DESCRIBE, "--schema", "missing.json"], "missing.json"),
        ([*DESCRIBE, "--schema", os.devnull], "not JSON"),
        (["ask", "a.mp4", "--operation", "embed", "--schema", os.devnull], "only describe"),
        (["ask", "a.mp4", "--request", os.devnull, "--schema", os.devnull], "in the request"),
    ],
)
def test_wrong_usage_exits_with_2(molmo2, arguments, says):
    done = molmo2(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["ask", "file:///a", "--operation", "embed", "--max-frames", "1"], {}, "video.max_frames"),
        (["info", "--url", "ftp://a"], {}, "scheme must be one of"),
        (["info"], {"MOLMO2_RETRIES": "-1"}, "retries: "),
    ],
)
def test_a_wrong_request_exits_with_2_and_one_line(molmo2, arguments, environment, says):
    done = molmo2(*arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert _one_line(done.stderr)


def test_a_missing_file_exits_with_3_and_one_line(molmo2):
    done = molmo2("ask", "a.mp4", "--operation", "embed")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no file a.mp4; a path on the server is sent with --media path" in done.stderr
    assert _one_line(done.stderr)


def test_a_server_that_is_away_exits_with_3_and_one_line_for_each_attempt(molmo2):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    done = molmo2("info", "--url", f"http://127.0.0.1:{port}", MOLMO2_RETRIES="1")
    assert (done.returncode, done.stdout) == (3, "")
    first, last = done.stderr.splitlines()
    assert "trying again in" in first
    assert last.endswith("is the server up, and the URL right?")


@pytest.mark.e2e
@pytest.mark.parametrize("url", ["http_url", "grpc_url"])
@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_an_answer_is_json_where_nobody_looks(asked, torchserve, url, stream):
    question = ["--operation", "embed", "--operation", "describe", "--prompt", "hello", "--end", 3]
    done = asked("ask", "file:///a.mp4", *question, *stream, url=getattr(torchserve, url))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [result["operation"] for result in answer["results"]] == ["embed", "describe"]
    assert answer["results"][1]["text"] == "hello"
    assert answer["video"]["duration"] == 3


POINTING = ["ask", "file:///a", "--operation", "pointing", "--prompt", "nose"]


@pytest.mark.e2e
def test_an_answer_is_a_table_where_asked_for(asked):
    done = asked(*POINTING, "--table")
    assert done.returncode == 0, done.stderr
    assert "pointing ok" in done.stdout
    assert "nose" in done.stdout


@pytest.mark.e2e
@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_an_answer_is_a_table_in_a_terminal(asked, stream):
    terminal, standard = os.openpty()
    with open(terminal, "rb", buffering=0) as screen, open(standard, "wb") as output:
        done = asked(*POINTING, *stream, stdout=output)
        shown = screen.read(65536).decode()
    assert done.returncode == 0, done.stderr
    assert "frame" in shown
    assert "nose" in shown


@pytest.mark.e2e
def test_a_request_can_come_from_a_file_or_from_stdin(asked, tmp_path):
    document = json.dumps({"operations": [{"operation": "describe", "prompt": "what video"}]})
    (tmp_path / "request.json").write_text(document)
    (tmp_path / "a.mp4").write_bytes(b"abc")
    from_file = asked("ask", "a.mp4", "--request", "request.json")
    from_stdin = asked("ask", "a.mp4", "--request", "-", stdin=document)
    for done in (from_file, from_stdin):
        assert json.loads(done.stdout)["results"][0]["text"].startswith("3 bytes")


@pytest.mark.e2e
def test_a_schema_comes_from_a_file_and_only_describe_follows_it(asked, tmp_path):
    schema = {"type": "integer", "minimum": 0}
    (tmp_path / "count.json").write_text(json.dumps(schema))
    done = asked(*DESCRIBE, "--operation", "embed", "--schema", "count.json")
    assert done.returncode == 0, done.stderr
    described, _ = json.loads(done.stdout)["results"]
    assert described["data"] == schema


@pytest.mark.e2e
def test_a_path_travels_where_asked_for(asked, tmp_path):
    question = ["--operation", "describe", "--prompt", "what video", "--media", "path"]
    answer = json.loads(asked("ask", "a.mp4", *question).stdout)
    assert answer["results"][0]["text"] == f"at {(tmp_path / 'a.mp4').as_uri()}"


@pytest.mark.e2e
def test_a_failed_result_exits_with_1_and_is_printed(asked):
    done = asked("ask", "file:///a", "--operation", "describe", "--prompt", "result internal")
    assert done.returncode == 1
    assert json.loads(done.stdout)["results"][0]["error"]["kind"] == "internal"


@pytest.mark.e2e
@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_a_failed_request_exits_with_3_and_one_line(asked, stream):
    question = ["--operation", "describe", "--prompt", "refuse video_too_long"]
    done = asked("ask", "file:///a", *question, *stream)
    assert (done.returncode, done.stdout) == (3, "")
    assert "video_too_long, as asked" in done.stderr
    assert _one_line(done.stderr)


@pytest.mark.e2e
def test_info_tells_the_limits_as_json_or_as_a_table(asked):
    assert json.loads(asked("info").stdout)["limits"]["max_video_bytes"] == 2
    table = asked("info", "--table").stdout
    assert "max_video_bytes" in table
    assert "embedding_dimension" in table
