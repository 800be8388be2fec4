"""Generates one token through TorchServe, a worker and the engine: the only proof that all work."""

import json
import ssl
import struct
import zlib
from pathlib import Path

import httpx2

from molmo2_contract.errors import ErrorKind
from molmo2_ops.management import authorization

_SIDE = 32
"""Pixels."""

_QUESTIONS = (
    {"operation": "describe", "prompt": "Describe this image.", "max_new_tokens": 1},
    {"operation": "pointing", "prompt": "image", "max_new_tokens": 1},
    {"operation": "embed"},
)
"""What can be asked about an image; a checkpoint may answer only some of them."""


class Canary:
    """Asks a model for one token about a small black image."""

    def __init__(
        self, inference: str, key_file: Path, timeout: float, certificate: Path | None
    ) -> None:
        verify = True if certificate is None else ssl.create_default_context(cafile=certificate)
        self._client = httpx2.Client(
            base_url=inference, timeout=timeout, verify=verify, trust_env=False
        )
        self._key_file = key_file
        self._timeout = timeout
        self._questions: dict[str, tuple[dict[str, object], ...]] = {}
        """By model the one that it answers."""
        self.asking: str | None = None
        """The model that is just being asked."""

    def ask(self, model: str) -> str | None:
        """None when a token came, else why not."""
        self.asking = model
        try:
            return self._asked(model)
        finally:
            self.asking = None

    def close(self) -> None:
        self._client.close()

    def _asked(self, model: str) -> str | None:
        for question in self._questions.get(model, _QUESTIONS):
            error = self._error(model, question)
            if error is None or error.get("field") != "operations[0].operation":
                self._questions[model] = (question,)
                break
        else:
            self._questions.pop(model, None)
        return error and f"{error['kind']}: {error['message']}"

    def _error(self, model: str, question: dict[str, object]) -> dict[str, str] | None:
        """The error of the answer, if it is one."""
        request = {
            "images": [],
            "operations": [question],
            "timeout": self._timeout,
            "request_id": "canary",
        }
        files = {
            "request": ("request.json", json.dumps(request).encode(), "application/json"),
            "image_1": ("image_1", black_image(), "application/octet-stream"),
        }
        headers = authorization(self._key_file, "inference")
        try:
            answer = self._client.post(f"/predictions/{model}", files=files, headers=headers)
            body = answer.json()
        except (httpx2.HTTPError, ValueError) as failure:
            return {"kind": "no answer", "message": type(failure).__name__}
        if answer.is_success:
            (result,) = body["results"]
            error: dict[str, str] | None = result["error"]
            return error
        return {
            "kind": ErrorKind.INTERNAL,
            "message": str(answer.status_code),
            **body.get("error", {}),
        }


def black_image() -> bytes:
    """A PNG of 32 x 32 black pixels, 8 bits of grey each (RFC 2083)."""
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 0, 0, 0, 0)
    rows = bytes((_SIDE + 1) * _SIDE)  # each row begins with its filter: none
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
