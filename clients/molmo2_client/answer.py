"""Bodies and events, read: what they mean, or the exception that they stand for."""

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from molmo2_client.errors import ProtocolError
from molmo2_contract.errors import from_wire
from molmo2_contract.events import EVENT, Done, Event, Failed
from molmo2_contract.images import ImagesResponse
from molmo2_contract.response import ErrorResponse, Response, ServerInfo
from molmo2_contract.results import Result

T = TypeVar("T")
R = TypeVar("R", bound=Result)

_ERROR = TypeAdapter(ErrorResponse)
_RESPONSE = TypeAdapter(Response)
_IMAGES_RESPONSE = TypeAdapter(ImagesResponse)
_SERVER_INFO = TypeAdapter(ServerInfo)

_SHOWN = 200
"""Characters of an answer that make it into the message about it."""


def read_response(body: bytes) -> Response:
    """The response in ``body``, or raises the error in it."""
    return _validate(_RESPONSE, _open(body), "response")


def read_images_response(body: bytes) -> ImagesResponse:
    """The response about images in ``body``, or raises the error in it."""
    return _validate(_IMAGES_RESPONSE, _open(body), "response about images")


def read_info(body: bytes) -> ServerInfo:
    """The server's description in ``body``, or raises the error in it."""
    return _validate(_SERVER_INFO, _open(body), "server's description")


def read_event(message: bytes) -> Event:
    """The event in ``message``; raises the error in a body that is none."""
    return _validate(EVENT, _open(message), "event")


def raise_error_in(body: bytes) -> None:
    """Raises the error in ``body`` if it holds one in the contract's form."""
    try:
        envelope = ErrorResponse.model_validate_json(body, extra="ignore")
    except ValidationError:
        return
    raise from_wire(envelope.error, envelope.request_id)


def only(response: Response, kind: type[R]) -> R:
    """The one result of a response to one operation; raises the error in it."""
    match response.results:
        case [result] if isinstance(result, kind):
            if result.error is not None:
                raise from_wire(result.error, response.request_id)
            return result
    operations = [result.operation for result in response.results]
    raise ProtocolError(f"the answer holds {operations} where one {kind.__name__} was expected")


def read_events(messages: Generator[bytes]) -> Generator[Event]:
    """The events in ``messages``. The last one is given when the call itself has ended, so that
    whoever stops at ``Done`` cancels nothing."""
    end: Event | None = None
    with closing(messages):
        for message in messages:
            event = read_event(message)
            if isinstance(event, Done | Failed):
                end = event
            else:
                yield event
    yield _ended(end)


async def read_events_async(messages: AsyncGenerator[bytes]) -> AsyncGenerator[Event]:
    """``read_events`` for an asynchronous transport."""
    end: Event | None = None
    async with aclosing(messages):
        async for message in messages:
            event = read_event(message)
            if isinstance(event, Done | Failed):
                end = event
            else:
                yield event
    yield _ended(end)


def _ended(end: Event | None) -> Done:
    match end:
        case Done():
            return end
        case Failed():
            raise from_wire(end.error, end.request_id)
        case _:
            raise ProtocolError("the stream ended before its last event; ask again")


def _open(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ProtocolError(f"the answer is no JSON object: {_shown(body)}; is this the server?")
    if "error" in document and "event" not in document:
        envelope = _validate(_ERROR, document, "error")
        raise from_wire(envelope.error, envelope.request_id)
    return document


def _validate(adapter: TypeAdapter[T], document: dict[str, Any], name: str) -> T:
    """Fields that this client does not know are passed over: a server may be newer than it."""
    try:
        return adapter.validate_python(document, extra="ignore")
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(map(str, fault["loc"]))
        raise ProtocolError(f"the answer is no {name}: {field}: {fault['msg']}") from None


def _shown(body: bytes) -> str:
    text = body.decode(errors="replace")
    return repr(text[:_SHOWN] + ("…" if len(text) > _SHOWN else ""))
