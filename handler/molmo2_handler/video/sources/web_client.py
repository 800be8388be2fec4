"""GET requests that go only where they may: no proxies, no cookies, no credentials."""

from typing import Self
from urllib.parse import urljoin

import httpcore2

from molmo2_contract.errors import (
    InvalidRequest,
    VideoForbidden,
    VideoNotFound,
    VideoUnreadable,
)
from molmo2_handler.video.limits import VideoLimits
from molmo2_handler.video.sources.allowance import Allowance
from molmo2_handler.video.sources.connection import CheckedBackend
from molmo2_handler.video.sources.network_address import Resolve
from molmo2_handler.video.sources.remote import Transfer
from molmo2_handler.video.sources.web_address import WebAddress, allowed_web_address

_REDIRECTS = (301, 302, 303, 307, 308)
_FIELDS = {
    "User-Agent": "molmo2-torchserve",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class WebClient:
    """Asks for one video, on as many connections as it takes, one after the other."""

    def __init__(
        self, name: str, limits: VideoLimits, allowance: Allowance, resolve: Resolve
    ) -> None:
        """``name``: what messages call the video."""
        self._name = name
        self._limits = limits
        self._allowance = allowance
        self._backend = CheckedBackend(limits, allowance, resolve)

    def get(self, address: WebAddress, fields: dict[str, str]) -> "Response":
        """The response after all redirects, each of which is checked like the first address.

        Raises:
            VideoForbidden: an address is not allowed, or the origin says so.
            VideoNotFound: the origin says that nothing is there.
            VideoUnreadable: the origin failed, or redirects too often.
            DeadlineExceeded, TooLarge: the allowance is spent.
        """
        for _ in range(self._limits.max_redirects + 1):
            response = self._ask(address, fields)
            if response.status in (200, 206):
                return response
            response.close()
            if response.status not in _REDIRECTS:
                raise self._refused(response.status)
            address = self._redirected(address, response.field("location"))
        raise VideoUnreadable(
            f"{self._name} redirects more than {self._limits.max_redirects} times (setting "
            "max_redirects); name the last address",
            field="video.uri",
        )

    def failed(self, what: str) -> VideoUnreadable:
        """The error that blames the origin."""
        return VideoUnreadable(f"{self._name}: its origin {what}", field="video.uri")

    def translated(self, error: BaseException) -> BaseException:
        """``error`` as this project's own, if it is one of the connection."""
        if isinstance(error, httpcore2.TimeoutException):
            return self._allowance.exceeded()
        if isinstance(error, (httpcore2.NetworkError, httpcore2.ProtocolError)):
            return self.failed(f"failed: {str(error) or type(error).__name__}")
        return error

    def _ask(self, address: WebAddress, fields: dict[str, str]) -> "Response":
        url = httpcore2.URL(
            scheme=address.scheme, host=address.host, port=address.port, target=address.target
        )
        headers = [("Host", address.authority), *_FIELDS.items(), *fields.items()]
        connection = httpcore2.HTTPConnection(url.origin, network_backend=self._backend)
        try:
            received = connection.handle_request(httpcore2.Request("GET", url, headers=headers))
        except BaseException as error:
            connection.close()
            raise self.translated(error) from None
        return Response(self, address, connection, received)

    def _redirected(self, address: WebAddress, location: str | None) -> WebAddress:
        if location is None:
            raise self.failed("redirects to nowhere")
        try:
            if not location.isprintable():  # urljoin would leave out line ends and tabs
                raise ValueError("it is not printable")
            next_address = allowed_web_address(urljoin(str(address), location), self._limits)
        except (VideoForbidden, InvalidRequest, ValueError) as error:
            raise VideoForbidden(
                f"{self._name} redirects to where this server may not go: {error}",
                field="video.uri",
            ) from None
        if (address.scheme, next_address.scheme) == ("https", "http"):
            raise VideoForbidden(f"{self._name} redirects from https: to http:", field="video.uri")
        return next_address

    def _refused(self, status: int) -> VideoForbidden | VideoNotFound | VideoUnreadable:
        if status in (404, 410):
            return VideoNotFound(f"{self._name} does not exist", field="video.uri")
        if status in (401, 403):
            return VideoForbidden(
                f"{self._name}: its origin refused it with status {status}", field="video.uri"
            )
        if status == 416:  # nothing can be sent from the first byte on
            return VideoUnreadable(f"{self._name} is empty", field="video.uri")
        return self.failed(f"answered with status {status}")


class Response:
    """A response, and the connection that it has for itself."""

    def __init__(
        self,
        client: WebClient,
        address: WebAddress,
        connection: httpcore2.HTTPConnection,
        received: httpcore2.Response,
    ) -> None:
        self.address = address
        self.status = received.status
        self._client = client
        self._connection = connection
        self._received = received

    def field(self, name: str) -> str | None:
        """A header field; None where it is missing or given more than once."""
        key = name.encode()
        found = [value for other, value in self._received.headers if other.lower() == key]
        return found[0].decode("latin-1") if len(found) == 1 else None

    def body(self) -> Transfer:
        try:
            for piece in self._received.iter_stream():
                if piece:
                    yield piece
        except Exception as error:
            raise self._client.translated(error) from None
        finally:
            self.close()

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
