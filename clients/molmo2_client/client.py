"""The synchronous client."""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Self, TypeVar, Unpack

from molmo2_client.answer import (
    read_events,
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
from molmo2_client.shortcuts import Shortcuts
from molmo2_client.transport import Transport, connect
from molmo2_contract.events import Event
from molmo2_contract.images import ImagesResponse
from molmo2_contract.response import Response, ServerInfo

T = TypeVar("T")


class Molmo2(BaseClient[Transport], Shortcuts):
    """Asks a Molmo2 server about videos. May be used from many threads at once.

    with Molmo2("http://127.0.0.1:8080", key_file="key_file.json") as molmo2:
        for point in molmo2.point("street.mp4", "traffic light").points:
            print(point.time, point.x, point.y)

    A video is the bytes of a file, a path, a URI that the server opens, or a contract ``Video``.
    Every method takes the ``Options`` of a call as keywords and raises a ``Molmo2Error``.
    """

    def ask(self, video: VideoLike, operations: Operations, **options: Unpack[Options]) -> Response:
        """One result for each operation, in their order; see there which of them failed.

        response = molmo2.ask("street.mp4", [Pointing(prompt="car"), Embed()], end=10.0)
        """
        request, source = self._compose(video, operations, options, stream=False)
        call = Call.ask(request, source)
        with explained({"video.uri": video}):
            return self._answer(call, read_response)

    def stream(
        self, video: VideoLike, operations: Operations, **options: Unpack[Options]
    ) -> Generator[Event]:
        """The events of an answer as they happen, ``Done`` last; a failed request raises.

        A call that fails before its first event is tried again, after it never.
        """
        request, source = self._compose(video, operations, options, stream=True)
        return self._events(Call.ask(request, source), video)

    def ask_images(
        self, images: Images, operations: ImageOperations, **options: Unpack[ImageOptions]
    ) -> ImagesResponse:
        """The same about one image or several: pointing, describe and embed.

        response = molmo2.ask_images(["a.jpg", "b.jpg"], Pointing(prompt="cat"))
        """
        given = listed(images)
        request, sent = compose_images(self.settings, given, operations, **options)
        call = Call.ask_images(request, sent)
        with explained(told(given, sent)):
            return self._answer(call, read_images_response)

    def info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the server serves and what its limits are; answered once its model is loaded."""
        call = Call.info(self.settings.timeout if timeout is None else timeout)
        return self._answer(call, read_info)

    def close(self) -> None:
        """Closes the connections; the client cannot be used afterwards."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self) -> Transport:
        return connect(self.settings)

    def _answer(self, call: Call, read: Callable[[bytes], T]) -> T:
        return self._patiently(call, lambda token: read(self._transport.send(call, token)))

    def _events(self, call: Call, video: VideoLike) -> Generator[Event]:
        with explained({"video.uri": video}):
            first, events = self._patiently(call, lambda token: self._begin(call, token))
            with closing(events):
                yield first
                yield from events

    def _begin(self, call: Call, token: str | None) -> tuple[Event, Generator[Event]]:
        events = read_events(self._transport.stream(call, token))
        return next(events), events

    def _patiently(self, call: Call, attempt: Callable[[str | None], T]) -> T:
        import stamina  # takes as long to import as all else; nobody needs it before a call

        retrying = stamina.RetryingCaller(**patience(self.settings, call.timeout))
        deaths = Deaths()

        def counted() -> T:
            with deaths.counted():
                return self._authorized(attempt)

        return retrying(judge(self.settings), counted)

    def _authorized(self, attempt: Callable[[str | None], T]) -> T:
        """``attempt`` with the token, and once more if that was refused and there is a new one."""
        token = self._credentials.token()
        try:
            return attempt(token)
        except Unauthorized:
            if not self._credentials.renew(token):
                raise
        return attempt(self._credentials.token())
