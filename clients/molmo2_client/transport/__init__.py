"""What carries a call to the server: HTTP or gRPC, by the scheme of the URL.

The libraries are imported here and not above, so that a client pays for the one that it uses.
"""

from collections.abc import AsyncGenerator, Generator
from typing import Protocol

from molmo2_client.address import Address
from molmo2_client.call import Call
from molmo2_client.settings import Settings


class Transport(Protocol):
    """Carries calls; raises the client's errors for what the server or the network refuses.

    ``send`` gives the body of the answer, ``stream`` the JSON of one event at a time. Neither looks
    into it, and neither tries again.
    """

    def send(self, call: Call, token: str | None) -> bytes: ...

    def stream(self, call: Call, token: str | None) -> Generator[bytes]: ...

    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """``Transport``, asynchronous."""

    async def send(self, call: Call, token: str | None) -> bytes: ...

    def stream(self, call: Call, token: str | None) -> AsyncGenerator[bytes]: ...

    async def close(self) -> None: ...


def connect(settings: Settings) -> Transport:
    """The transport for ``settings.url``; nothing is sent yet."""
    address = Address.parse(settings.url)
    if address.protocol == "grpc":
        from molmo2_client.transport.grpc import GrpcTransport

        return GrpcTransport(address, settings)
    from molmo2_client.transport.http import HttpTransport

    return HttpTransport(address, settings)


def connect_async(settings: Settings) -> AsyncTransport:
    """``connect``, asynchronous."""
    address = Address.parse(settings.url)
    if address.protocol == "grpc":
        from molmo2_client.transport.grpc import AsyncGrpcTransport

        return AsyncGrpcTransport(address, settings)
    from molmo2_client.transport.http import AsyncHttpTransport

    return AsyncHttpTransport(address, settings)
