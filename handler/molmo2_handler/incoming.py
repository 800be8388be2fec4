"""A request as TorchServe hands it over, whichever way it came."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from molmo2_contract.errors import InvalidRequest, TooLarge
from molmo2_contract.request import InfoRequest, Request, parse_request

from molmo2_handler.settings import HandlerSettings

_STREAM_CALL = b"stream"


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
    def streaming_call(self) -> bool:
        """Whether a gRPC caller says that it made the streaming call; nothing else tells."""
        return not self.over_http and self.parts.get("call") == _STREAM_CALL

    @property
    def video(self) -> bytes | bytearray | None:
        """The bytes sent with the request."""
        sent = self.parts.get("video")
        return sent.encode() if isinstance(sent, str) else sent

    def read(self, settings: HandlerSettings) -> Request | InfoRequest:
        """Validates the request's JSON.

        Raises:
            InvalidRequest: if it is missing, malformed, disagrees with the kind of call, or has a
                timeout beyond ``max_timeout``.
            TooLarge: beyond ``max_request_bytes``.
        """
        document = self.parts.get("request", self.parts.get("body", self.parts.get("data")))
        if document is None:
            raise InvalidRequest(
                "there is no request: send a JSON body with Content-Type: application/json, or a "
                "form (gRPC: an input map) with 'request' (JSON) and 'video' (bytes)"
            )
        self._bound(document, settings.max_request_bytes)
        request = parse_request(document)
        if isinstance(request, Request):
            self._agree(request)
            if request.timeout > settings.max_timeout:
                raise InvalidRequest(
                    f"timeout: this server gives a request at most {settings.max_timeout:g} s "
                    "(max_timeout)",
                    field="timeout",
                )
        return request

    def _bound(self, document: Any, max_request_bytes: int) -> None:
        if isinstance(document, dict):  # TorchServe has parsed it already
            size = int(self.headers.get("content-length", 0))
            if "body" not in self.parts and size > max_request_bytes:
                size = len(json.dumps(document))  # the length was that of a form with a video
        else:
            size = len(document)
        if size > max_request_bytes:
            raise TooLarge(
                f"the request's JSON has {size} bytes; this server takes {max_request_bytes} "
                "(max_request_bytes). Send a video as the 'video' part, not inside the JSON",
                field="request",
            )

    def _agree(self, request: Request) -> None:
        """A streamed reply to a unary gRPC call would cost TorchServe a worker."""
        if not self.over_http and request.stream != self.streaming_call:
            raise InvalidRequest(
                "stream and the call disagree: StreamPredictions wants stream: true and the input "
                "'call' = 'stream'; Predictions wants stream: false",
                field="stream",
            )
