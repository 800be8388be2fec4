"""What a long call says on its way, as a generator: FiftyOne shows what an operator yields."""

from collections.abc import Callable, Generator
from queue import SimpleQueue
from threading import Event, Thread
from typing import Generic, TypeVar

StepT = TypeVar("StepT")
ResultT = TypeVar("ResultT")


class Left(Exception):
    """Raised in the call when nobody follows it any more: the App's page was closed."""


class _Following(Generic[StepT, ResultT]):
    def __init__(self, call: Callable[[Callable[[StepT], None]], ResultT]) -> None:
        self._call = call
        self.steps: SimpleQueue[StepT | None] = SimpleQueue()
        self.left = Event()
        self.result: ResultT
        self.error: BaseException | None = None

    def tell(self, step: StepT) -> None:
        if self.left.is_set():
            raise Left
        self.steps.put(step)

    def run(self) -> None:
        try:
            self.result = self._call(self.tell)
        except BaseException as error:
            self.error = error
        finally:
            self.steps.put(None)


def follow(
    call: Callable[[Callable[[StepT], None]], ResultT],
) -> Generator[StepT, None, ResultT]:
    """Runs ``call(tell)`` in a thread, yields what it tells, and returns what it returns.

    Closed before its end, it makes the next ``tell`` raise ``Left``. What ``call`` raises, it
    raises.
    """
    following = _Following(call)
    Thread(target=following.run, name="molmo2-operator", daemon=True).start()
    try:
        while (step := following.steps.get()) is not None:
            yield step
    finally:
        following.left.set()
    if following.error is not None:
        raise following.error
    return following.result
