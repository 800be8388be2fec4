"""A file goes from the disk to the network, not through memory."""

import asyncio
import json
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from molmo2_client import AsyncMolmo2, Describe, InternalError, Molmo2

SIZE = 64_000_000


class Sink(BaseHTTPRequestHandler):
    """Counts what arrives, a piece at a time, and answers every call with an error."""

    received = 0

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 65536)))
        Sink.received += int(self.headers["Content-Length"])
        body = json.dumps({"error": {"kind": "internal", "message": "a sink"}}).encode()
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def sink():
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        Sink.received = 0
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def ask(url, video):
    with Molmo2(url) as client:
        client.ask(video, Describe(prompt="Why?"))


def ask_async(url, video):
    async def run():
        async with AsyncMolmo2(url) as client:
            await client.ask(video, Describe(prompt="Why?"))

    asyncio.run(run())


@pytest.mark.parametrize("way", [ask, ask_async])
def test_an_upload_takes_no_memory_to_speak_of(sink, tmp_path, way):
    video = tmp_path / "a.mp4"
    with video.open("wb") as file:
        file.truncate(SIZE)
    tracemalloc.start()
    try:
        with pytest.raises(InternalError, match="a sink"):
            way(sink, video)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert Sink.received > SIZE
    assert peak < SIZE / 4
