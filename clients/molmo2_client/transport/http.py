"""HTTP: a JSON body, or multipart where bytes travel; streams as server-sent events."""

import ssl
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx2

from molmo2_client.address import Address
from molmo2_client.call import Call
from molmo2_client.settings import Settings
from molmo2_client.transport.http_refusals import refusal, translated
from molmo2_client.upload import opened

_JSON = "application/json"
_BYTES = "application/octet-stream"

_NO_PROXY = {"http://": None, "https://": None}
"""What httpx2 does in place of what HTTP_PROXY and its like say."""


def _headers(call: Call, token: str | None) -> dict[str, str]:
    return call.headers if token is None else {"Authorization": f"Bearer {token}"} | call.headers


class _Http:
    """What the two transports share: where a call goes and how it is written."""

    def __init__(self, address: Address, settings: Settings) -> None:
        self._address = address
        self._settings = settings
        self._url = f"{address}/predictions/{quote(settings.model)}"

    @contextmanager
    def _arguments(self, call: Call, token: str | None) -> Iterator[dict[str, Any]]:
        """Arguments of httpx2's ``request``. A file is open meanwhile and sent in pieces."""
        wait = call.timeout + self._settings.deadline_margin
        arguments: dict[str, Any] = {
            "method": "POST",
            "url": self._url,
            "headers": _headers(call, token),
            "timeout": httpx2.Timeout(wait, connect=self._settings.connect_timeout),
        }
        if not call.parts:
            arguments["headers"]["Content-Type"] = _JSON
            yield arguments | {"content": call.document}
            return
        with ExitStack() as stack:
            parts: dict[str, Any] = {"request": ("request.json", call.document, _JSON)}
            for name, source in call.parts.items():
                parts[name] = (name, stack.enter_context(opened(source)), _BYTES)
            yield arguments | {"files": parts}

    def _translated(self, call: Call) -> AbstractContextManager[None]:
        return translated(self._address, call, self._settings.deadline_margin)

    def _body(self, response: httpx2.Response) -> bytes:
        if response.status_code != HTTPStatus.OK:
            raise refusal(response, self._settings.model)
        return response.content

    def _events(self, response: httpx2.Response) -> httpx2.EventSource:
        return httpx2.EventSource(response, max_event_size=self._settings.max_response_bytes)


def _is_stream(response: httpx2.Response) -> bool:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return response.status_code == HTTPStatus.OK and media_type == "text/event-stream"


def _trusted(settings: Settings) -> ssl.SSLContext | bool:
    """What httpx2 verifies certificates with; True is its own choice."""
    if settings.ca_file is None:
        return True
    return ssl.create_default_context(cafile=settings.ca_file)


class HttpTransport(_Http):
    """Synchronous; may be used from many threads at once."""

    def __init__(self, address: Address, settings: Settings) -> None:
        super().__init__(address, settings)
        mounts = _NO_PROXY if address.is_loopback else None
        self._client = httpx2.Client(verify=_trusted(settings), mounts=mounts)

    def send(self, call: Call, token: str | None) -> bytes:
        with self._translated(call), self._arguments(call, token) as arguments:
            return self._body(self._client.request(**arguments))

    def stream(self, call: Call, token: str | None) -> Generator[bytes]:
        with (
            self._translated(call),
            self._arguments(call, token) as arguments,
            self._client.stream(**arguments) as response,
        ):
            if not _is_stream(response):
                response.read()
                raise refusal(response, self._settings.model)
            for event in self._events(response):
                yield event.data.encode()

    def close(self) -> None:
        self._client.close()


class AsyncHttpTransport(_Http):
    """Asynchronous."""

    def __init__(self, address: Address, settings: Settings) -> None:
        super().__init__(address, settings)
        mounts = _NO_PROXY if address.is_loopback else None
        self._client = httpx2.AsyncClient(verify=_trusted(settings), mounts=mounts)

    async def send(self, call: Call, token: str | None) -> bytes:
        with self._translated(call), self._arguments(call, token) as arguments:
            return self._body(await self._client.request(**arguments))

    async def stream(self, call: Call, token: str | None) -> AsyncGenerator[bytes]:
        with self._translated(call), self._arguments(call, token) as arguments:
            async with self._client.stream(**arguments) as response:
                if not _is_stream(response):
                    await response.aread()
                    raise refusal(response, self._settings.model)
                async for event in self._events(response):
                    yield event.data.encode()

    async def close(self) -> None:
        await self._client.aclose()
