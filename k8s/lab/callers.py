"""Callers as a labelling run has them: so many at once, each asks again when it is answered."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

from stamina.instrumentation import RetryDetails, get_on_retry_hooks, set_on_retry_hooks

from molmo2_client import Molmo2, Molmo2Error
from molmo2_contract.operations import Describe

QUESTION = Describe(prompt="What happens in this video?", max_new_tokens=16)
_SECONDS_AFTER_A_FAILURE = 1.0


@dataclass(frozen=True)
class Request:
    """One question, with all its attempts; times by time.time()."""

    began: float
    ended: float
    error: str | None
    tried_again: list[str]
    """Why each attempt but the last failed: Overloaded where a pod was full or leaving,
    ServerUnreachable where a connection was refused or dropped."""


_here = threading.local()
"""Of the request that this thread is at: what it was tried again for."""


@dataclass
class Callers:
    """Ask one client about videos of a web server."""

    client: Molmo2
    videos_port: int
    requests: list[Request] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)
    _wanted: int = 0
    _videos: Iterator[int] = field(default_factory=count)

    def become(self, number: int) -> None:
        """Returns when there are so many; those that are too many leave with their answer."""
        self._wanted = number
        for thread in self._threads:
            if int(thread.name) >= number:
                thread.join()
        self._threads = [one for one in self._threads if one.is_alive()]
        names = {one.name for one in self._threads}
        for place in range(number):
            if str(place) not in names:
                thread = threading.Thread(target=self._ask, args=(place,), name=str(place))
                self._threads.append(thread)
                thread.start()

    def leave(self) -> None:
        self.become(0)

    def _ask(self, place: int) -> None:
        while place < self._wanted:
            began, error, _here.tried_again = time.time(), None, []
            video = f"http://127.0.0.1:{self.videos_port}/{next(self._videos)}.mp4"
            try:
                self.client.ask(video, QUESTION)
            except Molmo2Error as raised:
                error = f"{raised.kind.value}: {raised}"
            self.requests.append(Request(began, time.time(), error, _here.tried_again))
            if error:
                time.sleep(_SECONDS_AFTER_A_FAILURE)


@contextmanager
def callers(url: str, token: str, retry_for: float, videos_port: int) -> Iterator[Callers]:
    """With the client as it is shipped; ``retry_for`` is what the labelling Job sets."""
    before = get_on_retry_hooks()
    set_on_retry_hooks([_note])
    with Molmo2(url, model="molmo2-demo", token=token, retry_for=retry_for) as client:
        asking = Callers(client, videos_port)
        try:
            yield asking
        finally:
            asking.leave()
            set_on_retry_hooks(before)


def _note(retry: RetryDetails) -> None:
    _here.tried_again.append(type(retry.caused_by).__name__)
