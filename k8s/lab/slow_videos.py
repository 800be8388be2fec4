"""A web server whose videos take their time: what holds a server's slots and costs no CPU."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def slow_videos(videos: list[Path], least: float, most: float) -> Iterator[int]:
    """Its port. ``/NUMBER.mp4`` is one of the videos, sent after so many seconds by chance."""
    chance = random.Random(1)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = int(self.path.strip("/").removesuffix(".mp4"))
            time.sleep(chance.uniform(least, most))
            content = videos[number % len(videos)].read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
