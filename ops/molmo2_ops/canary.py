"""Generates one token through TorchServe, a worker and the engine: the only proof that all work."""

import json
import ssl
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import httpx2

from molmo2_contract.errors import ErrorKind
from molmo2_engine.client.canary import CANARY
from molmo2_ops.management import authorization

_SIDE = 32
"""Pixels."""

_OPERATIONS: tuple[dict[str, object], ...] = (
    {"operation": "describe", "prompt": "What is shown?", "max_new_tokens": 1},
    {"operation": "pointing", "prompt": "shape", "max_new_tokens": 1},
    {"operation": "embed"},
)
"""What can be asked about an image or a video; a checkpoint may answer only some of them."""

_NO_ANSWER = "no answer"

_NOT_ANSWERED = ("operations[0].operation", "images")
"""Fields at fault where a checkpoint does not answer the operation, or about images at all."""


_BUSY = (_NO_ANSWER, ErrorKind.OVERLOADED, ErrorKind.DEADLINE_EXCEEDED)


@dataclass(frozen=True)
class CanaryFailure:
    """Why no token came."""

    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"

    @property
    def may_be_load(self) -> bool:
        """Whether it may only have waited behind others."""
        return self.kind in _BUSY


@dataclass(frozen=True)
class _Question:
    operation: dict[str, object]
    media: str
    """Name of the part that holds the picture."""

    def parts(self, timeout: float) -> dict[str, tuple[str, bytes, str]]:
        """The parts of the request, as a form."""
        document = {
            **({"images": []} if self.media == "image_1" else {"video": {}}),
            "operations": [self.operation],
            "timeout": timeout,
            "request_id": CANARY,
        }
        return {
            "request": ("request.json", json.dumps(document).encode(), "application/json"),
            self.media: (self.media, _PICTURES[self.media](), "application/octet-stream"),
        }


class Canary:
    """Asks a model for one token about a small black image, or a video of one frame."""

    def __init__(
        self, inference: str, key_file: Path, timeout: float, certificate: Path | None
    ) -> None:
        verify = True if certificate is None else ssl.create_default_context(cafile=certificate)
        self._client = httpx2.Client(
            base_url=inference, timeout=timeout, verify=verify, trust_env=False
        )
        self._key_file = key_file
        self._timeout = timeout
        self._questions: dict[str, tuple[_Question, ...]] = {}
        """By model the one that it answers."""
        self.asking: str | None = None
        """The model that is just being asked."""

    def ask(self, model: str) -> CanaryFailure | None:
        """None when a token came, else why not."""
        self.asking = model
        try:
            return self._asked(model)
        finally:
            self.asking = None

    def close(self) -> None:
        self._client.close()

    def _asked(self, model: str) -> CanaryFailure | None:
        for question in self._questions.get(model, _QUESTIONS):
            error = self._error(model, question)
            if error is None or error.get("field") not in _NOT_ANSWERED:
                self._questions[model] = (question,)
                break
        else:
            self._questions.pop(model, None)
        return error and CanaryFailure(error["kind"], error["message"])

    def _error(self, model: str, question: _Question) -> dict[str, str] | None:
        """The error of the answer, if it is one."""
        files = question.parts(self._timeout)
        headers = authorization(self._key_file, "inference")
        try:
            answer = self._client.post(f"/predictions/{model}", files=files, headers=headers)
            body = answer.json()
        except (httpx2.HTTPError, ValueError) as failure:
            return {"kind": _NO_ANSWER, "message": type(failure).__name__}
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


def black_video() -> bytes:
    """A GIF of one frame, 32 x 32 black pixels: the smallest video there is."""
    return bytes.fromhex(
        "474946383761200020008100000000000000000000000000002c00000000200020004008350001081c48b0a0c1"
        "8308132a5cc8b0a1c38710234a9c48b1a2c58b18336adcc8b1a3c78f20438a1c49b2a4c9932853aa5cc9526440"
        "003b"
    )


_PICTURES = {"image_1": black_image, "video": black_video}

_QUESTIONS = tuple(_Question(operation, media) for media in _PICTURES for operation in _OPERATIONS)
