"""A server that says exactly what a test tells it to, and nothing else."""

import socket
import threading
from collections.abc import Iterator

import pytest


class ScriptedServer:
    """Answers each connection with the next of ``answers``, byte for byte, and closes it.

    A request must come whole with its ``Content-Length``; what was asked is in ``requests``.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.answers: list[bytes] = []
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rb") as received:
                head = b"".join(iter(received.readline, b"\r\n"))
                if not head:
                    return
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.requests.append(head + received.read(int(length)))
                connection.sendall(self.answers.pop(0))

    def close(self) -> None:
        address = self._listener.getsockname()
        with socket.create_connection(address) as last:
            last.sendall(b"\r\n")
        self._thread.join()
        self._listener.close()


@pytest.fixture(scope="module")
def scripted() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()
