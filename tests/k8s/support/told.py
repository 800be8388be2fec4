"""An HTTP server that answers what it was told, behind a gateway or a router."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event


class _Told(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    may_answer: Event | None

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        told = {
            "path": self.path,
            "bytes": len(self.rfile.read(length)),
            "headers": dict(self.headers),
            "port": self.server.server_port,
        }
        if self.may_answer is not None:
            self.may_answer.wait()
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def told_server(may_answer: Event | None = None) -> Iterator[int]:
    """Its port. It waits for the event before it answers."""
    handler = type("_Told", (_Told,), {"may_answer": may_answer})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
