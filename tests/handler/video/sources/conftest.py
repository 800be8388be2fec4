"""Web servers that the tests start themselves, on loopback addresses, and watch."""

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
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

    def do_HEAD(self) -> None:
        self.do_GET()

    def reply(self, status: int, body: bytes = b"", **fields: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **fields}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
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


class _Server(ThreadingTCPServer):
    daemon_threads = True
    site: "WebServer"
    encryption: ssl.SSLContext | None = None

    def get_request(self) -> Any:
        self.site.connections += 1
        connection, address = super().get_request()
        if self.encryption is not None:
            connection = self.encryption.wrap_socket(connection, server_side=True)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side hung up, which it may."""


@dataclass
class WebServer:
    """A web server, its pages, and what it saw."""

    host: str
    port: int
    encrypt: Callable[[ssl.SSLContext], None]
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


@contextmanager
def serve(host: str) -> Iterator[WebServer]:
    with _Server((host, 0), Exchange) as server:
        server.site = WebServer(
            host, server.server_address[1], partial(setattr, server, "encryption")
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.site
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def start_server() -> Callable[[str], AbstractContextManager[WebServer]]:
    return serve


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A server that the tests' limits allow."""
    with serve("127.0.0.2") as server:
        yield server


@pytest.fixture
def inner() -> Iterator[WebServer]:
    """A server on the inside, where nothing must ever arrive."""
    with serve("127.0.0.1") as server:
        yield server
