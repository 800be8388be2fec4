"""Sends a question about a video to the GPU that holds it.

TorchServe gives a request to any worker, and each worker belongs to a GPU. What its own engine does
not hold, another GPU's engine of the same model may: a question is then cheaper there than the
decoding, encoding and prefill of the video here.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import grpc

from molmo2_contract.errors import EngineUnavailable, Overloaded
from molmo2_engine.client.channel import CHANNEL_OPTIONS
from molmo2_engine.client.connection import EngineConnection, MediaNotHeld
from molmo2_engine.client.launch import EngineLaunch, serves
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_engine.wire import engine_pb2_grpc

_SECONDS = 0.5
"""How long the other engines together may take to say what they hold."""


class PrefixRouting(EngineConnection):
    """The engine of this worker's GPU, and behind it those of the others."""

    def __init__(
        self, launch: EngineLaunch, most_waiting: int, routed: Callable[[], None] = lambda: None
    ) -> None:
        """
        Args:
            most_waiting: requests and operations that may wait at another engine for a request to
                go there; with more of them the video is opened here too. With -1 it never goes.
            routed: called for each request that another engine has begun to answer.
        """
        super().__init__(launch)
        self._own = launch
        self._most_waiting = most_waiting
        self._routed = routed
        self._others: dict[Path, _Other] = {}

    def answer(self, request: wire.AnswerRequest, timeout: float) -> Iterator[wire.AnswerEvent]:
        """As ``EngineConnection`` says; another engine answers when it alone holds the media."""
        until = monotonic() + timeout
        try:
            yield from super().answer(request, timeout)
            return
        except MediaNotHeld as error:
            not_held = error
        with closing(self._answer_elsewhere(request, until)) as events:
            first = next(events, None)
            if first is None:
                raise not_held
            self._routed()
            yield first
            yield from events

    def close(self) -> None:
        super().close()
        for other in self._others.values():
            other.close()

    def _answer_elsewhere(
        self, request: wire.AnswerRequest, until: float
    ) -> Generator[wire.AnswerEvent, None, None]:
        """Nothing where no other engine takes the request."""
        holder = self._holder(request.video.key or request.images.key, until)
        begun = False
        try:
            for event in holder.answer(request, until - monotonic()) if holder else ():
                begun = True
                yield event
        except (MediaNotHeld, Overloaded, EngineUnavailable):
            if begun:
                raise

    def _holder(self, key: bytes, until: float) -> EngineConnection | None:
        """The least busy of the engines that hold the media and are not too busy."""
        self._look_around()
        question = wire.HoldsRequest(key=key)
        timeout = min(_SECONDS, until - monotonic())
        asked = [(other, other.ask(question, timeout)) for other in self._others.values()]
        best, least = None, self._most_waiting + 1
        for other, reply in asked:
            try:
                told = reply.result()
            except grpc.RpcError:  # it is away, loads, or hangs
                continue
            if told.held and told.waiting < least:
                best, least = other.connection, told.waiting
        return best

    def _look_around(self) -> None:
        """Engines come with the first worker of their GPU, and go with their sockets."""
        pattern = self._own.siblings
        there = {*self._own.socket.parent.glob(pattern)} if pattern else set()
        there.discard(self._own.socket)
        for socket in self._others.keys() - there:
            self._others.pop(socket).close()
        for socket in there - self._others.keys():
            self._others[socket] = _Other(socket)


class _Other:
    """The engine of another GPU."""

    def __init__(self, socket: Path) -> None:
        self.connection = EngineConnection(_Running(socket))
        self._channel = _channel(socket)
        self._stub = engine_pb2_grpc.EngineStub(self._channel)

    def ask(self, question: wire.HoldsRequest, timeout: float) -> "grpc.Future[wire.HoldsReply]":
        return self._stub.Holds.future(question, timeout=timeout)

    def close(self) -> None:
        self.connection.close()
        self._channel.close()


class _Running(EngineLaunch):
    """An engine that its own workers start, and nobody else."""

    def connect(self, timeout: float | None = None) -> grpc.Channel:
        channel = _channel(self.socket)
        if not serves(channel):
            channel.close()
            raise EngineUnavailable("the engine of the GPU that holds the video is away")
        return channel


def _channel(socket: Path) -> grpc.Channel:
    return grpc.insecure_channel(f"unix:{socket}", options=CHANNEL_OPTIONS)
