"""Web servers that the tests start themselves, on loopback addresses, and watch."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Respond = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One request to a ``WebServer``, and what can be answered."""

    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_GET(self) -> None:
        site = self.server.site
        site.requests.append((self.path, dict(self.headers.items())))
        respond = site.pages.get(self.path.partition("?")[0])
        if respond is None:
            self.reply(404)
        else:
            respond(self)

    def reply(self, status: int, body: bytes = b"", **fields: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **fields}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.write(body)

    def write(self, content: bytes) -> None:
        """Counts what the other side took before it hung up."""
        try:
            for start in range(0, len(content), 65536):
                piece = content[start : start + 65536]
                self.wfile.write(piece)
                self.server.site.sent += len(piece)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    site: "WebServer"

    def get_request(self) -> Any:
        self.site.connections += 1
        return super().get_request()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side hung up, which it may."""


@dataclass
class WebServer:
    """A web server, its pages, and what it saw."""

    host: str
    port: int
    pages: dict[str, Respond] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0
    sent: int = 0

    def put(self, path: str, content: bytes, *, ranges: bool = True, tag: bool = True) -> None:
        """Serves ``content`` as any file server does."""
        fields = {"ETag": f'"{hashlib.md5(content).hexdigest()}"'} if tag else {}

        def respond(exchange: Exchange) -> None:
            asked = exchange.headers.get("Range")
            if not ranges or asked is None:
                exchange.reply(200, content, **fields)
                return
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            extent = f"bytes {first}-{len(content) - 1}/{len(content)}"
            exchange.reply(206, content[first:], Content_Range=extent, **fields)

        self.pages[path] = respond

    def redirect(self, path: str, location: str, status: int = 302) -> None:
        self.pages[path] = lambda exchange: exchange.reply(status, Location=location)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


def serve(host: str) -> Iterator[WebServer]:
    with _Server((host, 0), Exchange) as server:
        server.site = WebServer(host, server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.site
        server.shutdown()
        thread.join()


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A server that the tests' limits allow."""
    yield from serve("127.0.0.2")


@pytest.fixture
def inner() -> Iterator[WebServer]:
    """A server on the inside, where nothing must ever arrive."""
    yield from serve("127.0.0.1")
