"""An HTTP server that answers as a Molmo2 server does, after a while and to so many at once."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from molmo2_contract.request import Request, parse_request
from molmo2_contract.response import Response


class SlowServer(ThreadingHTTPServer):
    """Answers with ``answer(request)``, ``seconds`` after it has a slot for the request.

    ``most_at_once`` is how many of the ``slots`` were ever taken together.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[Request], Response], *, seconds: float, slots: int):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.seconds = seconds
        self.slots = threading.Semaphore(slots)
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def work(self) -> None:
        """What the model would do."""
        with self.slots:
            with self._lock:
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
            time.sleep(self.seconds)
            with self._lock:
                self._at_once -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SlowServer

    def do_POST(self) -> None:
        request = parse_request(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(request, Request)
        body = self.server.answer(request).model_dump_json().encode()
        self.server.work()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: the benchmark prints its own table."""


@contextmanager
def slow_server(
    answer: Callable[[Request], Response], *, seconds: float, slots: int
) -> Iterator[SlowServer]:
    with SlowServer(answer, seconds=seconds, slots=slots) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
