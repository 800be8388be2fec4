"""HTTP answers that are not a result, and failures of HTTP itself, as the client's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import httpx2

from molmo2_client.address import Address
from molmo2_client.answer import raise_error_in
from molmo2_client.call import Call
from molmo2_client.errors import (
    DeadlineExceeded,
    InternalError,
    Molmo2Error,
    Overloaded,
    ProtocolError,
    ServerUnreachable,
)
from molmo2_client.transport import refusals


def refusal(response: httpx2.Response, model: str) -> Molmo2Error:
    """What a response means that is not the answer asked for. Its body must have been read.

    Raises:
        Molmo2Error: the one in the body, where the server's handler wrote it.
    """
    raise_error_in(response.content)
    known = refusals.from_sentence(response.text, model)
    return known or _from_status(response)


def _from_status(response: httpx2.Response) -> Molmo2Error:
    """Statuses without a known body: TorchServe's 413, and those of gateways in front of it."""
    status = response.status_code
    said = f"the server answered {status} {response.reason_phrase}".rstrip()
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return refusals.unauthorized()
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return refusals.too_large()
        case HTTPStatus.TOO_MANY_REQUESTS:
            return Overloaded(f"{said}; ask again later", retry_after=_retry_after(response))
        case HTTPStatus.BAD_GATEWAY | HTTPStatus.SERVICE_UNAVAILABLE:
            return ServerUnreachable(f"{said}; nothing serves behind it at the moment")
        case HTTPStatus.GATEWAY_TIMEOUT:
            return DeadlineExceeded(f"{said}; a gateway in front of it gave up first")
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return InternalError(f"{said}; its log says more")
        case _:
            return ProtocolError(f"{said} without an answer of Molmo2; is the URL this server's?")


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds of the ``Retry-After`` header; its other form, a date, is passed over."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None


@contextmanager
def translated(address: Address, call: Call, margin: float) -> Iterator[None]:
    """Raises httpx2's errors as the client's own."""
    try:
        yield
    except httpx2.ConnectTimeout:
        raise ServerUnreachable(
            f"no connection to {address} in time; check the URL, or raise connect_timeout"
        ) from None
    except httpx2.TimeoutException:
        raise DeadlineExceeded(
            f"no answer from {address} within {call.timeout} s and a margin of {margin} s;"
            " raise timeout"
        ) from None
    except httpx2.ConnectError as error:
        raise ServerUnreachable(
            f"no connection to {address}: {error}; is the server up, and the URL right?"
        ) from None
    except httpx2.SSEError as error:
        raise ProtocolError(f"{address} sent a stream that cannot be read: {error}") from None
    except httpx2.NetworkError as error:
        raise ServerUnreachable(f"the connection to {address} was lost: {error}") from None
    except httpx2.RemoteProtocolError as error:
        if "illegal" in str(error):  # h11's word for a first line that is not HTTP
            raise ProtocolError(
                f"{address} does not speak HTTP ({error}); is it the gRPC port? (grpc://)"
            ) from None
        raise ServerUnreachable(f"the connection to {address} was lost: {error}") from None
    except httpx2.RequestError as error:
        raise ProtocolError(f"{address} could not be asked over HTTP: {error}") from None
