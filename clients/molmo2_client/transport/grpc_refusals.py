"""Failures of gRPC calls, TorchServe's and gRPC's own, as the client's errors."""

import grpc

from molmo2_client.address import Address
from molmo2_client.call import Call
from molmo2_client.errors import (
    DeadlineExceeded,
    InternalError,
    Molmo2Error,
    Overloaded,
    ProtocolError,
    ServerUnreachable,
    TooLarge,
)
from molmo2_client.transport import refusals


def refusal(
    status: grpc.StatusCode, details: str, *, address: Address, call: Call, model: str
) -> Molmo2Error:
    """What a gRPC status other than OK means."""
    known = refusals.from_sentence(details, model)
    if known is not None:
        return known
    match status:
        case grpc.StatusCode.CANCELLED if "RST_STREAM" in details:
            # So TorchServe ends a request over its max_request_size, with no word about why.
            return refusals.too_large()
        case grpc.StatusCode.RESOURCE_EXHAUSTED if "larger than max" in details:
            return TooLarge(f"{_first_line(details)}; raise max_response_bytes")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceeded(
                f"no answer from {address} within {call.timeout} s and the client's margin;"
                " raise timeout"
            )
        case grpc.StatusCode.UNAVAILABLE if "HTTP/2" in details:
            return ProtocolError(
                f"{address} does not speak gRPC; is it the HTTP port? (http://)"
                f" [{_first_line(details)}]"
            )
        case grpc.StatusCode.UNAVAILABLE:
            return ServerUnreachable(
                f"no connection to {address}: {_first_line(details)};"
                " is the server up, and the URL right?"
            )
        case grpc.StatusCode.PERMISSION_DENIED | grpc.StatusCode.UNAUTHENTICATED:
            return refusals.unauthorized()
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Overloaded(f"the server, or a gateway before it: {_first_line(details)}")
        case grpc.StatusCode.INTERNAL:
            return InternalError(f"the server failed: {_first_line(details)}; its log says more")
        case _:
            return ProtocolError(
                f"{address} answered {status.name} ({_first_line(details)}) in place of Molmo2;"
                " is the URL this server's?"
            )


def _first_line(details: str) -> str:
    """TorchServe's message; the lines after it name Java classes."""
    return details.partition("\n")[0]
