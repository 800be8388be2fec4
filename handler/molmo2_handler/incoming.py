"""A request as TorchServe hands it over, whichever way it came."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molmo2_contract.errors import InvalidRequest, TooLarge
from molmo2_contract.images import PART_PREFIX, ImagesRequest
from molmo2_contract.request import InfoRequest, Request, parse_request
from molmo2_handler.settings import HandlerSettings

_STREAM_CALL = b"stream"
_LONGEST_REQUEST_ID = 128
"""Characters; the contract's own bound on ``request_id``."""


@dataclass(frozen=True)
class Incoming:
    """One request, unread."""

    parts: Mapping[str, Any]
    """HTTP: ``body``, or the parts of a multipart form. gRPC: the input map."""
    headers: Mapping[str, str]
    """Names in lower case."""

    @classmethod
    def from_torchserve(cls, data: Mapping[str, Any], headers: Mapping[str, Any]) -> "Incoming":
        """``headers`` mixes the request's with a mapping for each part; their spelling is kept."""
        plain = {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
        return cls(parts=data, headers=plain)

    @property
    def over_http(self) -> bool:
        """Only TorchServe's HTTP side adds this header; gRPC requests have none."""
        return "explain" in self.headers

    @property
    def transport(self) -> str:
        return "http" if self.over_http else "grpc"

    @property
    def request_id(self) -> str | None:
        """What a gateway calls the request (the header X-Request-ID), if that can be an id."""
        told = self.headers.get("x-request-id", "")
        return told if told.isprintable() and 0 < len(told) <= _LONGEST_REQUEST_ID else None

    @property
    def streaming_call(self) -> bool:
        """Whether a gRPC caller says that it made the streaming call; nothing else tells."""
        return not self.over_http and self.parts.get("call") == _STREAM_CALL

    @property
    def video(self) -> bytes | bytearray | None:
        """The bytes sent with the request.

        Raises:
            InvalidRequest: if they were sent as JSON, which TorchServe reads.
        """
        sent = self.parts.get("video")
        if isinstance(sent, str):  # a part of the type text/…, which TorchServe decodes
            return sent.encode()
        if sent is None or isinstance(sent, bytes | bytearray):
            return sent
        raise InvalidRequest(
            "video: came as application/json; send its bytes as application/octet-stream",
            field="video",
        )

    @property
    def images(self) -> list[bytes | bytearray]:
        """The images sent with the request, from ``image_1`` on without a gap.

        Raises:
            InvalidRequest: if one was not sent as bytes, or a number is missing.
        """
        sent = {name for name in self.parts if name.startswith(PART_PREFIX)}
        names = [f"{PART_PREFIX}{number}" for number in range(1, len(sent) + 1)]
        for name in names:
            if not isinstance(self.parts.get(name), bytes | bytearray):
                raise InvalidRequest(
                    f"{name}: missing, or not sent as application/octet-stream; the parts of "
                    f"{len(sent)} images are {names[0]} to {names[-1]}",
                    field="images",
                )
        return [self.parts[name] for name in names]

    def read(self, settings: HandlerSettings) -> Request | ImagesRequest | InfoRequest:
        """Validates the request's JSON.

        Raises:
            InvalidRequest: if it is missing, malformed, disagrees with the kind of call, has a
                timeout beyond ``max_timeout``, or asks for what this server does not answer.
            TooLarge: beyond ``max_request_bytes``.
        """
        document = self.parts.get("request", self.parts.get("body", self.parts.get("data")))
        if document is None:
            raise InvalidRequest(
                "there is no request: send a JSON body with Content-Type: application/json, or a "
                "form (gRPC: an input map) with 'request' (JSON) and 'video' (bytes)"
            )
        size = self._size(document)
        if size > settings.max_request_bytes:
            raise TooLarge(
                f"the request's JSON has {size} bytes; this server takes "
                f"{settings.max_request_bytes} (max_request_bytes). Send a video as the 'video' "
                "part, not inside the JSON",
                field="request",
            )
        request = parse_request(document)
        if not isinstance(request, InfoRequest):
            _refuse_untrained(request, settings)
            self._agree(isinstance(request, Request) and request.stream)
            if request.timeout > settings.max_timeout:
                raise InvalidRequest(
                    f"timeout: this server gives a request at most {settings.max_timeout:g} s "
                    "(max_timeout)",
                    field="timeout",
                )
        return request

    def _size(self, document: Any) -> int:
        """Bytes of the request's JSON, which TorchServe may have read already."""
        if isinstance(document, str | bytes | bytearray):
            return len(document)
        told = self.headers.get("content-length", "")
        if "body" in self.parts and told.isdecimal():
            return int(told)
        try:
            return len(json.dumps(document))
        except RecursionError:
            raise InvalidRequest("the request is nested too deeply") from None

    def _agree(self, stream: bool) -> None:
        """A streamed reply to a unary gRPC call would cost TorchServe a worker."""
        if not self.over_http and stream != self.streaming_call:
            raise InvalidRequest(
                "stream and the call disagree: StreamPredictions wants stream: true and the input "
                "'call' = 'stream'; Predictions wants stream: false",
                field="stream",
            )


def _refuse_untrained(request: Request | ImagesRequest, settings: HandlerSettings) -> None:
    """Refuses operations that the operator has not listed, if any are."""
    answered = settings.operations
    for index, operation in enumerate(request.operations):
        if answered is not None and operation.operation not in answered:
            field = f"operations[{index}].operation"
            raise InvalidRequest(
                f"{field}: this server's checkpoint answers {', '.join(answered)} only, not "
                f"{operation.operation}; ask another model, or have {operation.operation} added to "
                "the server's setting handler.operations",
                field=field,
            )
