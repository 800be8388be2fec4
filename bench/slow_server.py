"""An HTTP server that answers as a Molmo2 server does, after a while and to so many at once.

It runs as a process of its own, so that it takes nothing from the client that is measured.
"""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tracked import tracked

from molmo2_contract.request import Request, parse_request


class SlowServer(ThreadingHTTPServer):
    """Answers with two tracks, ``seconds`` after it has a slot for the request.

    ``videos`` holds, by URI, the arguments of ``tracked``.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, videos: Mapping[str, Any], *, seconds: float, slots: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = {uri: tracked(uri, *video) for uri, video in videos.items()}
        self.seconds = seconds
        self.slots = threading.Semaphore(slots)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SlowServer

    def do_POST(self) -> None:
        request = parse_request(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(request, Request)
        body = self.server.answers[request.video.uri].model_dump_json().encode()
        with self.server.slots:
            time.sleep(self.server.seconds)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: the benchmark prints its own table."""


@contextmanager
def slow_server(videos: Mapping[str, Any], *, seconds: float, slots: int) -> Iterator[str]:
    """Starts the server and yields its URL."""
    settings = json.dumps({"videos": videos, "seconds": seconds, "slots": slots})
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write(settings + "\n")
        process.stdin.flush()
        yield process.stdout.readline().strip()
        process.stdin.close()


def main() -> None:
    """Serves what the first line of standard input says, until standard input ends."""
    server = SlowServer(**json.loads(sys.stdin.readline()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
