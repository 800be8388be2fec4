"""A server whose workers are all at requests that wait for their videos is ready."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from watched import health, is_ready, until

from molmo2_demo.generate import generate

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]

PROOF_SECONDS = 8
WATCHING = (f"--proof-seconds={PROOF_SECONDS}", "--canary-interval=1", "--canary-timeout=5")


class SlowWeb:
    """A web server with one video, which comes when a test says so."""

    def __init__(self):
        self.asked, self.go = threading.Event(), threading.Event()
        self.video = b""
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.set()
                web.go.wait()
                self.send_response(200)
                self.send_header("Content-Length", str(len(web.video)))
                self.end_headers()
                self.wfile.write(web.video)

            def log_message(self, format, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self.server.server_port}/video.mp4"


@pytest.fixture
def web():
    web = SlowWeb()
    thread = threading.Thread(target=web.server.serve_forever)
    thread.start()
    yield web
    web.go.set()
    web.server.shutdown()
    thread.join()
    web.server.server_close()


@pytest.fixture
def stage(stage_a_server, web):
    video = {
        "allowed_hosts": ["127.0.0.1"],
        "allowed_addresses": ["127.0.0.0/8"],
        "allowed_ports": [web.server.server_port],
    }
    serving = {"watched": True, "watch_options": WATCHING}
    with stage_a_server(serving, minWorkers=1, maxWorkers=1, handler={"video": video}) as stage:
        yield stage


def test_it_is_ready_until_and_after_the_video_has_come(stage, web):
    web.video = generate(stage.videos, 1, seed=5)[0].path.read_bytes()
    until(lambda: is_ready(stage.server), 120, "readiness")
    with ThreadPoolExecutor(1) as pool, stage.client("grpc", timeout=300) as client:
        answer = pool.submit(client.ask, web.uri, [{"operation": "embed"}])
        assert web.asked.wait(60)
        began = time.monotonic()
        while time.monotonic() - began < 2.5 * PROOF_SECONDS:
            assert health(stage.server, "readyz") == (200, [])
        web.go.set()
        assert answer.result(120).results[0].status == "ok"
    until(lambda: is_ready(stage.server), 60, "readiness")
