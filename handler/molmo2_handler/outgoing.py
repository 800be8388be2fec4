"""A reply in the form that TorchServe wants of it, plain or streamed, over HTTP or gRPC.

A gRPC caller never sees a status set here, so errors always travel in the body too. A reply over
gRPC always ends with the header that closes a stream: without it a StreamPredictions call that is
answered plainly would cost TorchServe a worker.
"""

from typing import Any

from ts.handler_utils.utils import send_intermediate_predict_response

from molmo2_contract.base import WireModel
from molmo2_contract.errors import Molmo2Error
from molmo2_contract.events import Failed
from molmo2_contract.response import ErrorResponse


class Outgoing:
    """The reply to the one request of a TorchServe batch."""

    def __init__(self, context: Any, *, over_http: bool) -> None:
        self._context = context
        self._over_http = over_http
        self._streaming = False

    def plain(self, body: WireModel) -> list[bytes]:
        """The return value of ``handle`` for a whole reply."""
        self._context.set_response_content_type(0, "application/json")
        if not self._over_http:
            self._context.set_response_header(0, "ts_stream_next", "false")
        return [body.model_dump_json().encode()]

    def send(self, event: WireModel) -> None:
        """Sends one event of a stream at once."""
        if not self._streaming:
            self._context.set_response_content_type(0, "text/event-stream")
            self._streaming = True
        send_intermediate_predict_response(
            [self._frame(event)],
            self._context.request_ids,
            "Prediction success",
            200,
            self._context,
        )

    def last(self, event: WireModel) -> list[bytes]:
        """The return value of ``handle`` for the end of a stream."""
        if not self._streaming:
            return self.plain(event)
        return [self._frame(event)]

    def error(self, error: Molmo2Error, request_id: str, *, streaming_call: bool) -> list[bytes]:
        """The return value of ``handle`` for a request that failed as a whole."""
        if self._streaming or streaming_call:
            return self.last(Failed(error=error.to_wire(), request_id=request_id))
        self._context.set_response_status(error.http_status, error.kind.value, 0)
        return self.plain(ErrorResponse(error=error.to_wire(), request_id=request_id))

    def _frame(self, event: WireModel) -> bytes:
        body = event.model_dump_json().encode()
        return b"data: " + body + b"\n\n" if self._over_http else body
