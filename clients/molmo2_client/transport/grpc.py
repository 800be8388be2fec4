"""gRPC: TorchServe's inference service; streams as one message an event.

Errors of the server's handler come as messages too, since TorchServe drops their status.
"""

import json
from collections.abc import AsyncGenerator, Generator
from typing import Any

import grpc
import grpc.aio

from molmo2_client import limits
from molmo2_client.address import Address
from molmo2_client.call import Call
from molmo2_client.errors import Molmo2Error
from molmo2_client.settings import Settings
from molmo2_client.transport.grpc_refusals import refusal
from molmo2_client.upload import content
from molmo2_client.wire.inference_pb2 import PredictionsRequest
from molmo2_client.wire.inference_pb2_grpc import InferenceAPIsServiceStub

_UNARY = b"unary"
_STREAM = b"stream"


_ROUND_ROBIN = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
"""Where a name has several addresses, all of them are called; otherwise one would be, for ever."""


def _metadata(call: Call, token: str | None) -> tuple[tuple[str, str], ...]:
    said = {} if token is None else {"authorization": f"Bearer {token}"}
    return tuple((said | call.headers).items())


class _Grpc:
    """What the two transports share: the channel's options and how a call is written."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self._address = address
        self._settings = settings
        self._options = [
            ("grpc.max_receive_message_length", settings.max_response_bytes),
            ("grpc.keepalive_time_ms", int(limits.KEEPALIVE_INTERVAL * 1000)),
            ("grpc.max_reconnect_backoff_ms", int(limits.MAX_RECONNECT_WAIT * 1000)),
            ("grpc.service_config", _ROUND_ROBIN),
            ("grpc.enable_http_proxy", int(not address.is_loopback)),
        ]

    def _tls(self) -> grpc.ChannelCredentials:
        trusted = self._settings.ca_file
        return grpc.ssl_channel_credentials(trusted.read_bytes() if trusted is not None else None)

    def _message(self, call: Call, kind: bytes) -> PredictionsRequest:
        """``call`` tells the handler which method was called; it cannot see that, and an answer
        streamed to a unary call costs TorchServe the worker."""
        parts = {"request": call.document, "call": kind}
        parts |= {name: content(source) for name, source in call.parts.items()}
        name, _, version = self._settings.model.partition("/")
        return PredictionsRequest(model_name=name, model_version=version, input=parts)

    def _arguments(self, call: Call, token: str | None) -> dict[str, Any]:
        """Arguments of a stub's method, beside its message."""
        return {
            "timeout": call.timeout + self._settings.deadline_margin,
            "metadata": _metadata(call, token),
        }

    def _refusal(self, error: grpc.RpcError, call: Call) -> Molmo2Error:
        return refusal(
            error.code(),
            error.details() or "",
            address=self._address,
            call=call,
            model=self._settings.model,
        )


class GrpcTransport(_Grpc):
    """Synchronous; may be used from many threads at once."""

    def __init__(self, address: Address, settings: Settings) -> None:
        super().__init__(address, settings)
        self._channel = (
            grpc.secure_channel(address.authority, self._tls(), options=self._options)
            if address.tls
            else grpc.insecure_channel(address.authority, options=self._options)
        )
        self._stub = InferenceAPIsServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def send(self, call: Call, token: str | None) -> bytes:
        try:
            reply = self._stub.Predictions(
                self._message(call, _UNARY), **self._arguments(call, token)
            )
        except grpc.RpcError as error:
            raise self._refusal(error, call) from None
        return bytes(reply.prediction)

    def stream(self, call: Call, token: str | None) -> Generator[bytes]:
        replies = self._stub.StreamPredictions(
            self._message(call, _STREAM), **self._arguments(call, token)
        )
        try:
            for reply in replies:
                if reply.prediction:  # the handler opens a stream with an empty message
                    yield reply.prediction
        except grpc.RpcError as error:
            raise self._refusal(error, call) from None
        finally:
            replies.cancel()  # ends a call that was left early; nothing after its end

    def close(self) -> None:
        self._channel.close()


class AsyncGrpcTransport(_Grpc):
    """Asynchronous. Its channel is made at the first call, since it belongs to the running loop."""

    def __init__(self, address: Address, settings: Settings) -> None:
        super().__init__(address, settings)
        self._channel: grpc.aio.Channel | None = None

    def _stub(self) -> InferenceAPIsServiceStub:
        if self._channel is None:
            authority = self._address.authority
            self._channel = (
                grpc.aio.secure_channel(authority, self._tls(), options=self._options)
                if self._address.tls
                else grpc.aio.insecure_channel(authority, options=self._options)
            )
        return InferenceAPIsServiceStub(self._channel)  # type: ignore[no-untyped-call]

    async def send(self, call: Call, token: str | None) -> bytes:
        try:
            reply = await self._stub().Predictions(
                self._message(call, _UNARY), **self._arguments(call, token)
            )
        except grpc.RpcError as error:
            raise self._refusal(error, call) from None
        return bytes(reply.prediction)

    async def stream(self, call: Call, token: str | None) -> AsyncGenerator[bytes]:
        replies = self._stub().StreamPredictions(
            self._message(call, _STREAM), **self._arguments(call, token)
        )
        try:
            async for reply in replies:
                if reply.prediction:  # the handler opens a stream with an empty message
                    yield reply.prediction
        except grpc.RpcError as error:
            raise self._refusal(error, call) from None
        finally:
            replies.cancel()  # ends a call that was left early; nothing after its end

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()
