"""When a model counts as loading, by what TorchServe's management address says."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from molmo2_client.serving import Ports
from molmo2_client.serving.loading import is_loading


@pytest.fixture
def management():
    """Its address, and what it says to whom has the key: a status and a body."""
    said = {"status": 200, "body": b"", "asked": []}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            said["asked"].append((self.path, self.headers["Authorization"]))
            self.send_response(said["status"])
            self.end_headers()
            self.wfile.write(said["body"])

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", said
        server.shutdown()


def described(*statuses):
    return json.dumps([{"workers": [{"status": status} for status in statuses]}]).encode()


@pytest.mark.parametrize(
    ("statuses", "loading"),
    [((), True), (("UNLOADING", "UNLOADING"), True), (("UNLOADING", "READY"), False)],
)
def test_it_loads_until_a_worker_is_ready(management, tmp_path, statuses, loading):
    address, said = management
    said["body"] = described(*statuses)
    key_file = tmp_path / "key_file.json"
    key_file.write_text(json.dumps({"management": {"key": "k"}, "inference": {"key": "i"}}))
    assert is_loading(address, key_file, "m") == loading
    assert said["asked"] == [("/models/m", "Bearer k")]


@pytest.mark.parametrize(
    ("status", "body"), [(400, b""), (404, b"{}"), (200, b"not JSON"), (200, b"[]"), (200, b"{}")]
)
def test_where_nobody_says_it_is_not_waited_for(management, status, body):
    address, said = management
    said["status"], said["body"] = status, body
    assert not is_loading(address, None, "m")


def test_a_torchserve_that_does_not_listen_yet_still_loads():
    assert is_loading(f"http://127.0.0.1:{Ports.unused().management}", None, "m")
