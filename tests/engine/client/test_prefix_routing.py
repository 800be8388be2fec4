"""Two engines of one model, as two GPUs have them, and workers of each."""

import os
import signal
from dataclasses import replace

import psutil
import pytest

from molmo2_engine.client import EngineLaunch, MediaNotHeld, PrefixRouting
from molmo2_engine.client.engine_lock import EngineLock
from molmo2_engine.wire import engine_pb2 as wire

TIMES = [0.0, 0.5, 1.0]
SIZE = 84
MOST_WAITING = 2


@pytest.fixture(scope="module")
def launches(tmp_path_factory, request):
    """Of the first GPU's engine, and of the second's."""
    run = tmp_path_factory.mktemp("run")
    first = EngineLaunch(
        socket=run / "engine-gpu0-0a1b.sock",
        siblings="engine-*-0a1b.sock",
        settings={
            "checkpoint": str(request.getfixturevalue("qwen3_folder")),
            "device": "cpu",
            "threads": 1,
            "max_sequences": 1,
            "max_context_tokens": 256,
            "exit_with": os.getpid(),
        },
        start_timeout=240,
    )
    yield first, replace(first, socket=run / "engine-gpu1-0a1b.sock")
    for process in psutil.process_iter(["cmdline"]):
        if any(word.startswith(f"--socket={run}/") for word in process.info["cmdline"] or ()):
            process.kill()


class Worker:
    """One request worker, and how often another GPU's engine answered it."""

    def __init__(self, launch, most_waiting=MOST_WAITING) -> None:
        self.routed = 0
        self.engine = PrefixRouting(launch, most_waiting, self._count)

    def _count(self) -> None:
        self.routed += 1

    def ask(self, key, frames=False, tokens=4):
        generation = wire.Generation(prompt="Point.", max_new_tokens=tokens, top_p=1.0)
        content = bytes(len(TIMES) * SIZE * SIZE * 3) if frames else b""
        video = wire.Video(key=key, times=TIMES, frames=content, frame_numbers=[1, 16, 31])
        operations = [wire.Operation(generation=generation)]
        asked = wire.AnswerRequest(video=video, operations=operations)
        return self.engine.answer(asked, timeout=240)


@pytest.fixture(scope="module")
def workers(launches):
    workers = [Worker(launch) for launch in launches]
    for worker in workers:
        worker.engine.describe()
    yield workers
    for worker in workers:
        worker.engine.close()


def test_a_question_goes_to_the_gpu_that_holds_the_video(workers):
    first, second = workers
    *_, told = first.ask(b"held by the first", frames=True)
    before = second.routed
    *_, again = second.ask(b"held by the first")
    assert again.finished.text == told.finished.text
    assert again.finished.usage.cached_tokens > 0
    assert second.routed == before + 1


def test_what_its_own_engine_holds_is_answered_there(workers):
    for worker in workers:
        list(worker.ask(b"held by both", frames=True))
    before = [worker.routed for worker in workers]
    for worker in workers:
        assert list(worker.ask(b"held by both"))
    assert [worker.routed for worker in workers] == before


def test_what_no_engine_holds_wants_frames(workers):
    with pytest.raises(MediaNotHeld):
        list(workers[1].ask(b"held by nobody"))


def test_a_worker_may_be_told_to_stay_with_its_own_gpu(workers, launches):
    list(workers[0].ask(b"held by the first", frames=True))
    loner = Worker(launches[1], most_waiting=-1)
    with pytest.raises(MediaNotHeld):
        list(loner.ask(b"held by the first"))
    loner.engine.close()


def test_an_engine_with_too_many_who_wait_is_spared(workers, launches):
    """It has one place, that is taken, and more wait than a request may join."""
    first, second = workers
    list(first.ask(b"wanted by all", frames=True))
    crowd = [Worker(launches[0]) for _ in range(MOST_WAITING + 2)]
    begun = [worker.ask(b"wanted by all", tokens=200) for worker in crowd]
    for events in begun:
        next(events)  # it is opened: its operation generates, or waits for the place
    with pytest.raises(MediaNotHeld):
        list(second.ask(b"wanted by all"))
    for events in begun:
        events.close()
    for worker in crowd:
        worker.engine.close()


def test_engines_of_other_models_are_not_asked(workers, launches):
    list(workers[0].ask(b"held by the first", frames=True))
    another = Worker(replace(launches[1], siblings="engine-*-ffff.sock"))
    with pytest.raises(MediaNotHeld):
        list(another.ask(b"held by the first"))
    another.engine.close()


def test_an_engine_that_hangs_or_is_lost_keeps_nobody_from_an_answer(workers, launches):
    first, second = workers
    list(first.ask(b"held by the first", frames=True))
    lost = EngineLock(launches[0].socket).holder().process
    for fate in (signal.SIGSTOP, signal.SIGKILL):
        os.kill(lost, fate)
        with pytest.raises(MediaNotHeld):
            list(second.ask(b"held by the first"))
        assert list(second.ask(b"shown to the second", frames=True))
