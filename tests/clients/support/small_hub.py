"""A hub in this process: one repository, with the hub's own addresses, headers and errors."""

import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

NAME = "allenai/Molmo2-4B"


def checkpoint_files() -> dict[str, bytes]:
    chance = random.Random(0)
    return {
        "config.json": json.dumps({"model_type": "molmo2"}).encode(),
        "tokenizer.json": b"{}" * 700,
        "chat_template.jinja": b"{{ messages }}",
        "model-00001-of-00002.safetensors": chance.randbytes(300_000),
        "model-00002-of-00002.safetensors": chance.randbytes(200_000),
        "modeling_molmo2.py": b"raise SystemExit",
        "pytorch_model.bin": b"pickled" * 500,
        ".gitattributes": b"",
    }


FETCHED = {
    "config.json",
    "tokenizer.json",
    "chat_template.jinja",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
}


COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1000
"""Bytes from which a file is kept outside git, and has a SHA-256."""


@dataclass
class SmallHub:
    """What it has, how it misbehaves, and what it was asked."""

    name: str
    files: dict[str, bytes]
    url: str = ""
    token: str | None = None
    """Without it, the repository is gated."""
    cuts: dict[str, list[int]] = field(default_factory=dict)
    """By file: after how many bytes the next answers break off."""
    damages: Counter[str] = field(default_factory=Counter)
    """By file: how many of the next answers have another content."""
    ranges: bool = True
    statuses: list[int] = field(default_factory=list)
    """Of the next downloads, instead of their content."""
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and Range of each download."""

    def tree(self) -> list[dict[str, object]]:
        return [_entry(path, content) for path, content in self.files.items()]


def _entry(path: str, content: bytes) -> dict[str, object]:
    blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": blob}
    if len(content) >= LARGE:
        digest = hashlib.sha256(content).hexdigest()
        entry["lfs"] = {"oid": digest, "size": len(content), "pointerSize": 130}
        entry["oid"] = hashlib.sha1(b"pointer").hexdigest()
    return entry


@contextmanager
def serve(hub: SmallHub) -> Iterator[SmallHub]:
    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: SmallHub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        api = f"/api/models/{self.hub.name}/"
        if path.startswith("/cdn/"):  # where large files lie, with an address of its own
            self._content(path.removeprefix("/cdn/"))
        elif not path.startswith((api, f"/{self.hub.name}/")) and path != api.rstrip("/"):
            self._refuse(404, "RepoNotFound")
        elif self.hub.token and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._refuse(401, "GatedRepo")
        elif path.startswith(f"{api}tree/{COMMIT}"):
            self._json(self.hub.tree())
        elif path in (api.rstrip("/"), *(f"{api}revision/{name}" for name in ("main", COMMIT))):
            siblings = [{"rfilename": name} for name in self.hub.files]
            self._json({"id": self.hub.name, "sha": COMMIT, "siblings": siblings, "tags": []})
        elif path.startswith(f"/{self.hub.name}/resolve/{COMMIT}/"):
            self._resolve(path.rpartition("/")[2])
        else:
            self._refuse(404, "RevisionNotFound")

    def do_HEAD(self) -> None:
        """What the hub's own client asks for before it downloads."""
        name = unquote(urlsplit(self.path).path).rpartition("/")[2]
        content = self.hub.files.get(name)
        self.send_response(404 if content is None else 200)
        if content is not None:
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def _resolve(self, name: str) -> None:
        if len(self.hub.files[name]) < LARGE:
            self._content(name)
            return
        self.send_response(302)
        self.send_header("Location", f"{self.hub.url}/cdn/{name}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _content(self, name: str) -> None:
        asked = self.headers.get("Range")
        self.hub.asked.append((name, asked))
        if self.hub.statuses:
            self._refuse(self.hub.statuses.pop(0), "")
            return
        content = self.hub.files[name]
        if self.hub.damages[name] > 0:
            self.hub.damages[name] -= 1
            content = bytes(255 - byte for byte in content)
        start = 0
        if asked and self.hub.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        cuts = self.hub.cuts.get(name)
        end = start + cuts.pop(0) if cuts else len(content)
        self.wfile.write(content[start:end])
        self.close_connection = True

    def _json(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
