"""The asynchronous client."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Self, TypeVar, Unpack

from molmo2_client.answer import (
    read_events_async,
    read_images_response,
    read_info,
    read_response,
)
from molmo2_client.base import BaseClient
from molmo2_client.call import Call, Operations, Options
from molmo2_client.errors import Unauthorized
from molmo2_client.media import VideoLike, explained
from molmo2_client.pictures import (
    ImageOperations,
    ImageOptions,
    Images,
    compose_images,
    listed,
    told,
)
from molmo2_client.retry import Deaths, judge, patience
from molmo2_client.shortcuts import AsyncShortcuts
from molmo2_client.transport import AsyncTransport, connect_async
from molmo2_contract.events import Event
from molmo2_contract.images import ImagesResponse
from molmo2_contract.response import Response, ServerInfo

T = TypeVar("T")


class AsyncMolmo2(BaseClient[AsyncTransport], AsyncShortcuts):
    """Asks a Molmo2 server about videos, from one asyncio event loop.

    async with AsyncMolmo2("grpc://127.0.0.1:7070", key_file="key_file.json") as molmo2:
        nose, hand = await asyncio.gather(
            molmo2.point("walk.mp4", "nose"), molmo2.track("walk.mp4", "left hand")
        )

    Same methods, arguments and errors as ``Molmo2``.
    """

    async def ask(
        self, video: VideoLike, operations: Operations, **options: Unpack[Options]
    ) -> Response:
        """One result for each operation, in their order; see there which of them failed."""
        request, source = self._compose(video, operations, options, stream=False)
        call = Call.ask(request, source)
        with explained({"video.uri": video}):
            return await self._answer(call, read_response)

    def stream(
        self, video: VideoLike, operations: Operations, **options: Unpack[Options]
    ) -> AsyncGenerator[Event]:
        """The events of an answer as they happen, ``Done`` last; a failed request raises.

        A call that fails before its first event is tried again, after it never.
        """
        request, source = self._compose(video, operations, options, stream=True)
        return self._events(Call.ask(request, source), video)

    async def ask_images(
        self, images: Images, operations: ImageOperations, **options: Unpack[ImageOptions]
    ) -> ImagesResponse:
        """The same about one image or several: pointing, describe and embed."""
        given = listed(images)
        request, sent = compose_images(self.settings, given, operations, **options)
        call = Call.ask_images(request, sent)
        with explained(told(given, sent)):
            return await self._answer(call, read_images_response)

    async def info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the server serves and what its limits are; answered once its model is loaded."""
        call = Call.info(self.settings.timeout if timeout is None else timeout)
        return await self._answer(call, read_info)

    async def close(self) -> None:
        """Closes the connections; the client cannot be used afterwards."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _connect(self) -> AsyncTransport:
        return connect_async(self.settings)

    async def _answer(self, call: Call, read: Callable[[bytes], T]) -> T:
        async def attempt(token: str | None) -> T:
            return read(await self._transport.send(call, token))

        return await self._patiently(call, attempt)

    async def _events(self, call: Call, video: VideoLike) -> AsyncGenerator[Event]:
        with explained({"video.uri": video}):
            first, events = await self._patiently(call, lambda token: self._begin(call, token))
            async with aclosing(events):
                yield first
                async for event in events:
                    yield event

    async def _begin(self, call: Call, token: str | None) -> tuple[Event, AsyncGenerator[Event]]:
        events = read_events_async(self._transport.stream(call, token))
        return await anext(events), events

    async def _patiently(self, call: Call, attempt: Callable[[str | None], Awaitable[T]]) -> T:
        import stamina  # takes as long to import as all else; nobody needs it before a call

        retrying = stamina.AsyncRetryingCaller(**patience(self.settings, call.timeout))
        deaths = Deaths()

        async def counted() -> T:
            with deaths.counted():
                return await self._authorized(attempt)

        return await retrying(judge(self.settings), counted)

    async def _authorized(self, attempt: Callable[[str | None], Awaitable[T]]) -> T:
        """``attempt`` with the token, and once more if that was refused and there is a new one."""
        token = self._credentials.token()
        try:
            return await attempt(token)
        except Unauthorized:
            if not await asyncio.to_thread(self._credentials.renew, token):
                raise
        return await attempt(self._credentials.token())
